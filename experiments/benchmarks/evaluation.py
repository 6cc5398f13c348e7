"""One-pass exact match against transformers' generate, in fp32, on the same questions and the same model."""

import time
from collections.abc import Callable, Iterator, Sequence

import torch
from transformers import PreTrainedModel, PreTrainedTokenizerBase

from data_gen import questions
from data_gen.config import QuestionConfig, WorldConfig
from data_gen.people import world
from data_gen.questions.question import Question
from experiments.benchmarks import Row, interleaved
from physics_lm import device
from physics_lm.config.model import ModelConfig
from physics_lm.config.tokenizer import TokenizerConfig
from physics_lm.data import encoding, tokenizers
from physics_lm.inference import exact_match, generation
from physics_lm.models import registry

BATCH, ROUNDS, LONGEST = 128, 5, 12
PEOPLE = {"cpu": 200, "cuda": 1000}
POOLS = {
    "first_name": 60, "middle_name": 60, "last_name": 120, "year": 100,
    "city": 50, "university": 60, "major": 30, "employer": 50,
}  # fmt: skip
MODEL = ModelConfig(layers=3, width=128, heads=4, positions=128)
RIVAL = "transformers generate"


def rows(cuda: bool) -> Iterator[Row]:
    """Measure questions a second on the CPU, or on the GPU where there is one."""
    found = interleaved(contenders(device.device()), ROUNDS)
    both = (("evaluation_one_pass", "one pass", "generate", 1.2, 5), ("evaluation_generate", "ours", "unsorted", 1, 1))
    for name, ours, rival, target, most in both:
        if not cuda:
            yield Row(name, "questions/s", found[ours], found[rival], RIVAL, "higher", target, "cpu")
        mine, its = (found[ours], found[rival]) if cuda else (None, None)
        yield Row(f"{name}_gpu", "questions/s", mine, its, RIVAL, "higher", most, "gpu")


def contenders(where: torch.device) -> dict[str, Callable[[], float]]:
    """Return what measures questions a second by either way."""
    made = world.make(WorldConfig(people=PEOPLE[where.type], pools=POOLS), 0)
    asked = questions.ask(made, QuestionConfig(), "test")
    tokenizer = tokenizers.train(TokenizerConfig("word"), [question.text for question in asked])
    model = registry.build(MODEL, len(tokenizer), tokenizer.eos_token_id, 0).to(where).eval()  # type: ignore[arg-type]

    def one_pass() -> float:
        start = time.perf_counter()
        exact_match.score(model, tokenizer, encoding.encode(tokenizer, asked), BATCH)
        return len(asked) / (time.perf_counter() - start)

    def generate() -> float:
        start = time.perf_counter()
        generated(model, tokenizer, asked, BATCH)
        return len(asked) / (time.perf_counter() - start)

    prompts = [question.prompt for question in asked]

    def ours() -> float:
        start = time.perf_counter()
        generation.generate(model, tokenizer, prompts, LONGEST, BATCH)
        return len(asked) / (time.perf_counter() - start)

    def unsorted() -> float:
        start = time.perf_counter()
        plain(model, tokenizer, prompts)
        return len(asked) / (time.perf_counter() - start)

    return {"one pass": one_pass, "generate": generate, "ours": ours, "unsorted": unsorted}


@torch.no_grad()
def plain(model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase, prompts: list[str]) -> None:
    """Continue prompts in the order in which they come, as a script would."""
    end = tokenizer.eos_token
    for first in range(0, len(prompts), BATCH):
        texts = [end + prompt for prompt in prompts[first : first + BATCH]]
        found = tokenizer(texts, add_special_tokens=False, padding=True, padding_side="left", return_tensors="pt")
        told = {name: found[name].to(model.device) for name in ("input_ids", "attention_mask")}
        model.generate(**told, max_new_tokens=LONGEST, do_sample=False, pad_token_id=tokenizer.eos_token_id)


@torch.no_grad()
def generated(
    model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase, asked: Sequence[Question], batch: int
) -> list[bool]:
    """Return whether each question is answered right by greedy generation as long as its gold."""
    end, where = tokenizer.eos_token_id, model.device
    heads = tokenizer([question.prompt for question in asked], add_special_tokens=False)["input_ids"]
    golds = tokenizer([question.gold for question in asked], add_special_tokens=False)["input_ids"]
    by_length = sorted(range(len(asked)), key=lambda number: (len(heads[number]), len(golds[number])))
    right = [False] * len(asked)
    for first in range(0, len(by_length), batch):
        part = by_length[first : first + batch]
        width = 1 + max(len(heads[number]) for number in part)
        ids = torch.tensor([[end] * (width - len(heads[n])) + heads[n] for n in part])
        mask = torch.arange(width) >= width - 1 - torch.tensor([[len(heads[n])] for n in part])
        longest = max(len(golds[number]) for number in part)
        out = model.generate(
            ids.to(where), attention_mask=mask.long().to(where), max_new_tokens=longest, do_sample=False,
            eos_token_id=end, pad_token_id=end,
        )  # fmt: skip
        for number, said in zip(part, out[:, width:].tolist(), strict=True):
            right[number] = said[: len(golds[number])] == golds[number]
    return right
