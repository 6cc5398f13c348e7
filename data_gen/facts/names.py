"""Experiment 1 with sampled facts: invented names and descriptions, trained on in one order or in both.

A third of the facts is trained on name first, a third description first, a third both ways (2309.12288, section 2.1).
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from math import prod

import numpy as np

from data_gen import counter
from data_gen.biographies import sentence_templates
from data_gen.config import ToldFactsConfig
from data_gen.errors import ConfigError
from data_gen.facts import published
from data_gen.facts.fact import BOTH, DESCRIPTION_FIRST, NAME_FIRST, RANDOM, REVERSE, SAME, SUBSETS, TOLD, Fact, Facts
from data_gen.people import pools
from data_gen.questions.question import Question
from data_gen.settings import kind, setting

VERSION = 1
TRAINING = 30  # templates of a file for training; the others are held out
SLOTS = ("trait", "role", "look", "thing")
FILES = {NAME_FIRST: "name_to_description", DESCRIPTION_FIRST: "description_to_name"}
OPPOSITE = {NAME_FIRST: DESCRIPTION_FIRST, DESCRIPTION_FIRST: NAME_FIRST}


@dataclass(frozen=True)
class Config(ToldFactsConfig):
    """folder: the folder of the published jsonl files, which is then read instead of sampling facts."""

    kind: str = kind("names")
    folder: str = setting("", content=True)


def check(config: Config, sizes: Mapping[str, int]) -> None:
    """Raise ConfigError, naming the key and how to fix it, where the facts cannot be made or read."""
    if config.folder:
        return published.check(config.folder)
    names = sizes["first_name"] * sizes["last_name"]
    if config.count * len(SUBSETS) > names:
        raise ConfigError(
            f"facts.count={config.count}: {config.count * len(SUBSETS)} facts need as many names, and there are "
            f"{names}; lower it or raise world.pools.first_name"
        )
    if not 1 <= config.paraphrases <= TRAINING:
        raise ConfigError(f"facts.paraphrases={config.paraphrases}: from 1 to {TRAINING}")
    held = min(len(sentence_templates.read_lines(name)) for name in FILES.values()) - TRAINING
    if not 1 <= config.held_out <= held:
        raise ConfigError(f"facts.held_out={config.held_out}: from 1 to {held}")


def make(config: Config, sizes: Mapping[str, int], seed: int) -> Facts:
    """Return the facts of a seed, where fact i is the same for any number of facts, or those of the folder."""
    if config.folder:
        return published.make(config.folder)
    facts = _facts(config.count * len(SUBSETS), sizes, seed)
    return Facts(facts, tuple(_training(facts, config)), tuple(_questions(facts, config))).with_context()


def _facts(count: int, sizes: Mapping[str, int], seed: int) -> tuple[Fact, ...]:
    firsts, lasts = (pools.first_lines(name, sizes[name]) for name in ("first_name", "last_name"))
    slots = [pools.read_lines(name) for name in SLOTS]
    index, shape = np.arange(count), [len(slot) for slot in slots]
    names = counter.permute(index, len(firsts) * len(lasts), seed, "fact/name")
    words = np.unravel_index(counter.permute(index, prod(shape), seed, "fact/description"), shape)
    facts = []
    for i in range(count):
        trait, role, look, thing = (slot[word[i]] for slot, word in zip(slots, words, strict=True))
        name = f"{firsts[names[i] // len(lasts)]} {lasts[names[i] % len(lasts)]}"
        facts.append(Fact(SUBSETS[i % len(SUBSETS)], name, (f"the {trait} {role} of the {look} {thing}",)))
    return tuple(facts)


def _orders(fact: Fact) -> tuple[str, ...]:
    return (NAME_FIRST, DESCRIPTION_FIRST) if fact.subset == BOTH else (fact.subset,)


def _sentence(task: str, number: int, fact: Fact, order: str, line: int, answer: Fact | None = None) -> Question:
    """Return a filled template cut before its last placeholder; the gold is of `answer`, by default the fact."""
    template = sentence_templates.read_lines(FILES[order])[line]
    answer = answer or fact
    last, gold = ("{description}", answer.descriptions[0]) if order == NAME_FIRST else ("{name}", answer.name)
    prompt = template.partition(last)[0].format(name=fact.name, description=fact.descriptions[0]).rstrip()
    split = "train" if task == TOLD else "test"
    return Question(task, number, fact.subset, split, prompt, f"{gold}.")


def _training(facts: tuple[Fact, ...], config: Config) -> Iterator[Question]:
    for number, fact in enumerate(facts):
        for order in _orders(fact):
            for line in range(config.paraphrases):
                yield _sentence(TOLD, number, fact, order, line)


def _questions(facts: tuple[Fact, ...], config: Config) -> Iterator[Question]:
    held = range(TRAINING, TRAINING + config.held_out)
    for number, fact in enumerate(facts):
        for order in _orders(fact):
            yield _sentence(TOLD, number, fact, order, number % config.paraphrases)
            yield from (_sentence(SAME, number, fact, order, line) for line in held)
        if fact.subset != BOTH:
            order, next_fact = OPPOSITE[fact.subset], facts[(number + len(SUBSETS)) % len(facts)]
            yield from (_sentence(REVERSE, number, fact, order, line) for line in held)
            yield from (_sentence(RANDOM, number, fact, order, line, next_fact) for line in held)
