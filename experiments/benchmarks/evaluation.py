"""Exact match in one forward pass against transformers' generate, in fp32, on the same questions and model."""

from collections.abc import Callable, Iterator, Sequence

import torch
from transformers import PreTrainedModel, PreTrainedTokenizerBase

from data_gen import questions
from data_gen.config import QuestionConfig, WorldConfig
from data_gen.people.world import make
from data_gen.questions.question import Question
from experiments.benchmarks import Contender, Row, interleaved, time_call
from physics_lm import models
from physics_lm.config.model import ShapeConfig
from physics_lm.config.tokenizer import TokenizerConfig
from physics_lm.data import encoding, tokenizers
from physics_lm.device import default_device
from physics_lm.inference import exact_match, generation

BATCH, ROUNDS, MAX_TOKENS = 128, 5, 12
PEOPLE = {"cpu": 200, "cuda": 1000}
POOLS = {
    "first_name": 60, "middle_name": 60, "last_name": 120, "year": 100,
    "city": 50, "university": 60, "major": 30, "employer": 50,
}  # fmt: skip
MODEL = ShapeConfig(layers=3, width=128, heads=4, positions=128)
RIVAL = "transformers generate"


def rows(cuda: bool) -> Iterator[Row]:
    """Measure questions a second on the CPU, or on the GPU where there is one."""
    speeds = interleaved(contenders(default_device()), ROUNDS)
    pairs = (("evaluation_one_pass", "one pass", "generate", 1.2, 5), ("evaluation_generate", "ours", "unsorted", 1, 1))
    for name, ours, rival, cpu_target, gpu_target in pairs:
        if not cuda:
            yield Row(name, "questions/s", speeds[ours], speeds[rival], RIVAL, "higher", cpu_target, "cpu")
        gpu_speeds = speeds if cuda else {}
        numbers = (gpu_speeds.get(ours), gpu_speeds.get(rival))
        yield Row(f"{name}_gpu", "questions/s", *numbers, RIVAL, "higher", gpu_target, "gpu")


def contenders(device: torch.device) -> dict[str, Contender]:
    """Return for each way to evaluate a contender that measures questions a second."""
    world = make(WorldConfig(people=PEOPLE[device.type], pools=POOLS), 0)
    items = questions.generate(world, QuestionConfig(), "test")
    prompts = [question.prompt for question in items]
    tokenizer = tokenizers.train(TokenizerConfig("word"), [question.text for question in items])
    model = models.build(MODEL, len(tokenizer), tokenizer.eos_token_id, 0).to(device).eval()  # type: ignore[arg-type]

    def one_pass(model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase) -> None:
        exact_match.score(model, tokenizer, encoding.encode(tokenizer, items), BATCH)

    def contender(work: Callable[..., object], *inputs: object) -> Contender:
        return lambda: len(items) / time_call(lambda: work(model, tokenizer, *inputs))

    return {
        "one pass": contender(one_pass),
        "generate": contender(greedy_matches, items, BATCH),
        "ours": contender(generation.generate, prompts, MAX_TOKENS, BATCH),
        "unsorted": contender(generate_unsorted, prompts),
    }


@torch.no_grad()
def generate_unsorted(model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase, prompts: list[str]) -> None:
    """Continue prompts in batches in their own order, as a plain script would."""
    for first in range(0, len(prompts), BATCH):
        texts = [tokenizer.eos_token + prompt for prompt in prompts[first : first + BATCH]]
        batch = tokenizer(texts, add_special_tokens=False, padding=True, padding_side="left", return_tensors="pt")
        inputs = {name: batch[name].to(model.device) for name in ("input_ids", "attention_mask")}
        model.generate(**inputs, max_new_tokens=MAX_TOKENS, do_sample=False, pad_token_id=tokenizer.eos_token_id)


@torch.no_grad()
def greedy_matches(
    model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase, items: Sequence[Question], batch_size: int
) -> list[bool]:
    """Return for each question whether greedy generation, as long as its gold answer, equals the gold answer."""
    end = tokenizer.eos_token_id
    prompts = tokenizer([question.prompt for question in items], add_special_tokens=False)["input_ids"]
    golds = tokenizer([question.gold for question in items], add_special_tokens=False)["input_ids"]
    by_length = sorted(range(len(items)), key=lambda number: (len(prompts[number]), len(golds[number])))
    matches = [False] * len(items)
    for first in range(0, len(by_length), batch_size):
        batch = by_length[first : first + batch_size]
        width = 1 + max(len(prompts[number]) for number in batch)
        ids = torch.tensor([[end] * (width - len(prompts[number])) + prompts[number] for number in batch])
        mask = torch.arange(width) >= width - 1 - torch.tensor([[len(prompts[number])] for number in batch])
        longest = max(len(golds[number]) for number in batch)
        output = model.generate(
            ids.to(model.device), attention_mask=mask.long().to(model.device), max_new_tokens=longest, do_sample=False,
            eos_token_id=end, pad_token_id=end,
        )  # fmt: skip
        for number, answer in zip(batch, output[:, width:].tolist(), strict=True):
            matches[number] = answer[: len(golds[number])] == golds[number]
    return matches
