"""Entries written anew by a local instruct model, as the paper's bioR is (Part 3.1, section 2.2 and appendix).

The model is told a person's six facts and writes a biography; a text is kept where the name and all six values
stand in it, and asked for again where they do not.
"""

import json
import os
import re
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
import torch
from transformers import AutoModelForCausalLM, AutoTokenizer, PreTrainedModel, PreTrainedTokenizerBase

from data_gen import counter
from data_gen.biographies.biography import Biography, locate
from data_gen.errors import ConfigError
from data_gen.people.world import World
from physics_lm import progress
from physics_lm.config.rewrite import RewriteConfig

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
    """Load the model and its tokenizer; raises ConfigError where the folder holds none."""
    try:
        tokenizer = AutoTokenizer.from_pretrained(config.path, local_files_only=True, padding_side="left")
        model = AutoModelForCausalLM.from_pretrained(config.path, local_files_only=True, dtype="auto")
    except (OSError, ValueError) as error:
        raise ConfigError(f"rewrite.path={config.path}: no model folder ({str(error).splitlines()[0]})") from None
    tokenizer.pad_token = tokenizer.pad_token or tokenizer.eos_token
    return model.eval(), tokenizer


def prompts(world: World, entries: Sequence[Biography], words: int, attempt: int) -> list[str]:
    """Return what is asked for each entry: its person's facts in the entry's order, in one of several wordings."""
    number = np.arange(len(entries))
    person = np.array([entry.person_id for entry in entries], np.int64)
    draws = counter.words(world.seed, "rewrite", person, number, np.full(len(entries), attempt))
    chosen = counter.below(draws, len(PROMPTS))
    found = []
    for entry, choice in zip(entries, chosen, strict=True):
        name = world.name(entry.person_id - world.config.first_person)
        facts = ", ".join(FACTS[s.attribute].format(entry.text[s.start : s.end]) for s in entry.spans)
        found.append(PROMPTS[choice].format(words=words, name=name, facts=facts))
    return found


def accept(text: str, entry: Biography, world: World) -> Biography | None:
    """Return the text as an entry, up to its last full stop, or None where the name or a value is missing."""
    text = re.sub(r"\s+", " ", text).strip()
    text = text[: text.rfind(".") + 1]
    row = entry.person_id - world.config.first_person
    if world.name(row) not in text:
        return None
    values = {span.attribute: entry.text[span.start : span.end] for span in entry.spans}
    try:
        return Biography(text, entry.person_id, entry.group, locate(text, values))
    except ValueError:
        return None


@torch.no_grad()
def answers(
    model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase, asked: Sequence[str], config: RewriteConfig, seed: int
) -> list[str]:
    """Return the model's sampled answers to a batch of prompts, by its chat template where it has one."""
    if tokenizer.chat_template:
        turns = [[{"role": "user", "content": text}] for text in asked]
        texts = tokenizer.apply_chat_template(turns, add_generation_prompt=True, tokenize=False)
    else:
        texts = list(asked)
    told = tokenizer(texts, return_tensors="pt", padding=True, add_special_tokens=not tokenizer.chat_template)
    ids_BxT, mask_BxT = (told[name].to(model.device) for name in ("input_ids", "attention_mask"))
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        out_BxT = model.generate(
            input_ids=ids_BxT,
            attention_mask=mask_BxT,
            do_sample=config.temperature > 0,
            **({"temperature": config.temperature} if config.temperature > 0 else {}),
            max_new_tokens=config.tokens,
            pad_token_id=tokenizer.pad_token_id,
        )
    said: list[str] = tokenizer.batch_decode(out_BxT[:, ids_BxT.shape[1] :], skip_special_tokens=True)
    return said


def rewrite(
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerBase,
    entries: Sequence[Biography],
    world: World,
    config: RewriteConfig,
    state: Path,
) -> list[Biography]:
    """Return the entries that could be rewritten, in their order; what was asked already is read from `state`."""
    kept: dict[int, Biography] = {}
    for attempt in range(config.tries):
        left = [number for number in range(len(entries)) if number not in kept]
        asked = prompts(world, entries, config.words, attempt)
        starts = range(0, len(left), config.batch)
        for start in progress.over(starts, f"rewrite, try {attempt + 1}", "batch"):
            part = left[start : start + config.batch]
            saved = state / f"try-{attempt}-{start}.json"
            if not saved.exists():
                seed = _seed(world, attempt, start)
                _save(saved, answers(model, tokenizer, [asked[number] for number in part], config, seed))
            for number, text in zip(part, json.loads(saved.read_text()), strict=True):
                if found := accept(text, entries[number], world):
                    kept[number] = found
    return [kept[number] for number in sorted(kept)]


def _seed(world: World, attempt: int, start: int) -> int:
    draws = counter.words(world.seed, "rewrite/sample", np.array([attempt]), np.array([start]))
    return int(counter.below(draws, 2**31 - 1)[0])


def _save(path: Path, texts: Iterable[str]) -> None:
    aside = path.with_suffix(".tmp")
    aside.write_text(json.dumps(list(texts)))
    os.replace(aside, path)
