"""Entries rewritten by a local instruct model, as the paper's bioR is (Part 3.1, section 2.2 and appendix).

The prompt gives a person's six facts, and the model writes a biography. A text is accepted where it holds the name and
all six values; otherwise it is sampled again.
"""

import json
import logging
import os
import re
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
import torch
from transformers import AutoTokenizer, PreTrainedModel, PreTrainedTokenizerBase

from data_gen import counter
from data_gen.biographies.biography import Biography, locate_values
from data_gen.errors import ConfigError
from data_gen.people.world import World
from physics_lm import checkpoints, device, progress
from physics_lm.config.rewrite import RewriteConfig

log = logging.getLogger(__name__)
FACTS = {
    "birth_date": "born on {}",
    "birth_city": "born in {}",
    "university": "studied at {}",
    "major": "studied {}",
    "employer": "worked for {}",
    "company_city": "worked in {}",
}
PROMPTS = (
    "Write a biography of about {words} words of {name}: {facts}. Use the full name and every fact as it is given.",
    "In about {words} words, tell the life of {name}. Facts: {facts}. Mention all of them, spelt as here.",
    "{name}: {facts}. Turn this into a lively text of about {words} words that keeps the name and each fact verbatim.",
    "For a yearbook, introduce {name} in about {words} words. Everything you know: {facts}. Leave nothing out.",
    "Compose a paragraph of {words} words or so on {name}, in your own words but with these facts unchanged: {facts}.",
    "Who is {name}? Answer in about {words} words, with all of the following, word for word: {facts}.",
)


def load(config: RewriteConfig) -> tuple[PreTrainedModel, PreTrainedTokenizerBase]:
    """Load the model and its tokenizer; raises ConfigError where the folder has none."""
    try:
        tokenizer = AutoTokenizer.from_pretrained(config.path, local_files_only=True, padding_side="left")
        model = checkpoints.load(Path(config.path), dtype="auto")
    except checkpoints.UNREADABLE as error:
        raise checkpoints.refusal(f"rewrite.path={config.path}", error) from None
    tokenizer.pad_token = tokenizer.pad_token or tokenizer.eos_token
    return model.eval(), tokenizer


def prompts(world: World, entries: Sequence[Biography], words: int, attempt: int) -> list[str]:
    """Return the prompt for each entry: its person's facts in the entry's order, in one of six wordings."""
    number = np.arange(len(entries))
    person = np.array([entry.person_id for entry in entries], np.int64)
    draws = counter.words(world.seed, "rewrite", person, number, np.full(len(entries), attempt))
    texts = []
    for entry, wording in zip(entries, counter.below(draws, len(PROMPTS)), strict=True):
        name = world.name(entry.person_id - world.config.first_person)
        facts = ", ".join(FACTS[s.attribute].format(entry.text[s.start : s.end]) for s in entry.spans)
        texts.append(PROMPTS[wording].format(words=words, name=name, facts=facts))
    return texts


def accept(text: str, entry: Biography, world: World) -> Biography | None:
    """Return the text up to its last full stop as an entry, or None where the name or a value is missing."""
    text = re.sub(r"\s+", " ", text).strip()
    text = text[: text.rfind(".") + 1]
    if world.name(entry.person_id - world.config.first_person) not in text:
        return None
    values = {span.attribute: entry.text[span.start : span.end] for span in entry.spans}
    try:
        return Biography(text, entry.person_id, entry.group, locate_values(text, values))
    except ValueError:
        return None


@torch.no_grad()
def sample(
    model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase, prompts: Sequence[str], config: RewriteConfig, seed: int
) -> list[str]:
    """Return the model's sampled answers to a batch of prompts, in its chat template where it has one."""
    texts = list(prompts)
    if tokenizer.chat_template:
        turns = [[{"role": "user", "content": prompt}] for prompt in prompts]
        texts = tokenizer.apply_chat_template(turns, add_generation_prompt=True, tokenize=False)
    inputs = tokenizer(texts, return_tensors="pt", padding=True, add_special_tokens=not tokenizer.chat_template)
    ids_BxT, mask_BxT = (inputs[name].to(model.device) for name in ("input_ids", "attention_mask"))
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        output_BxT = model.generate(
            input_ids=ids_BxT,
            attention_mask=mask_BxT,
            do_sample=config.temperature > 0,
            **({"temperature": config.temperature} if config.temperature > 0 else {}),
            max_new_tokens=config.tokens,
            pad_token_id=tokenizer.pad_token_id,
        )
    answers: list[str] = tokenizer.batch_decode(output_BxT[:, ids_BxT.shape[1] :], skip_special_tokens=True)
    return answers


def rewrite_all(
    entries: Sequence[Biography], world: World, config: RewriteConfig, state: Path
) -> tuple[list[Biography], int]:
    """Return the entries as the local model rewrites them, and the number of people without any.

    Raises ConfigError where the folder has no model, or none of its texts is accepted.
    """
    model, tokenizer = load(config)
    model = model.to(device.default_device())  # type: ignore[arg-type]
    rewritten = rewrite(model, tokenizer, entries, world, config, state)
    if not rewritten:
        raise ConfigError(
            f"rewrite.path={config.path}: in none of its texts do the name and all six values stand; choose another "
            "model, or raise rewrite.tries or rewrite.tokens"
        )
    left_out = len({entry.person_id for entry in entries} - {entry.person_id for entry in rewritten})
    log.warning("rewrite: %d of %d entries kept, %d people have none", len(rewritten), len(entries), left_out)
    return rewritten, left_out


def rewrite(
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerBase,
    entries: Sequence[Biography],
    world: World,
    config: RewriteConfig,
    state: Path,
) -> list[Biography]:
    """Return the entries that could be rewritten, in order; answers sampled before a kill are read from `state`."""
    accepted: dict[int, Biography] = {}
    for attempt in range(config.tries):
        left = [number for number in range(len(entries)) if number not in accepted]
        texts = prompts(world, entries, config.words, attempt)
        starts = range(0, len(left), config.batch)
        for start in progress.track(starts, f"rewrite, try {attempt + 1}", "batch"):
            batch = left[start : start + config.batch]
            file = state / f"try-{attempt}-{start}.json"
            if not file.exists():
                seed = _seed(world, attempt, start)
                _save(file, sample(model, tokenizer, [texts[number] for number in batch], config, seed))
            for number, text in zip(batch, json.loads(file.read_text()), strict=True):
                if entry := accept(text, entries[number], world):
                    accepted[number] = entry
    return [accepted[number] for number in sorted(accepted)]


def _seed(world: World, attempt: int, start: int) -> int:
    draws = counter.words(world.seed, "rewrite/sample", np.array([attempt]), np.array([start]))
    return int(counter.below(draws, 2**31 - 1)[0])


def _save(path: Path, texts: Iterable[str]) -> None:
    temporary = path.with_suffix(".tmp")
    temporary.write_text(json.dumps(list(texts)))
    os.replace(temporary, path)
