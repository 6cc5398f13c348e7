"""Experiment 1 with facts of our own: invented names and descriptions, told in one order or in both.

A third of the facts is told name first, a third description first, a third both ways (2309.12288, section 2.1).
"""

from collections.abc import Iterator, Mapping
from math import prod

import numpy as np

from data_gen import counter
from data_gen.biographies import sentence_templates
from data_gen.config import FactsConfig
from data_gen.errors import ConfigError
from data_gen.facts.fact import (
    BOTH,
    DESCRIPTION_FIRST,
    NAME_FIRST,
    RANDOM,
    REVERSE,
    SAME,
    SUBSETS,
    TOLD,
    Fact,
    Facts,
    in_context,
)
from data_gen.people import pools
from data_gen.questions.question import Question

TRAINING = 30  # templates of a file that facts are told with; the others are held out
SLOTS = ("trait", "role", "look", "thing")
FILES = {NAME_FIRST: "name_to_description", DESCRIPTION_FIRST: "description_to_name"}
OTHER = {NAME_FIRST: DESCRIPTION_FIRST, DESCRIPTION_FIRST: NAME_FIRST}


def check(config: FactsConfig, sizes: Mapping[str, int]) -> None:
    """Raise ConfigError naming the key and the mend where the facts cannot be made."""
    if config.count < 2:
        raise ConfigError(f"facts.count={config.count}: at least 2 facts a subset")
    names = sizes["first_name"] * sizes["last_name"]
    if config.count * len(SUBSETS) > names:
        raise ConfigError(
            f"facts.count={config.count}: {config.count * len(SUBSETS)} facts need as many names, and there are "
            f"{names}; lower it or raise world.pools.first_name"
        )
    if not 1 <= config.paraphrases <= TRAINING:
        raise ConfigError(f"facts.paraphrases={config.paraphrases}: from 1 to {TRAINING}")
    held = min(len(sentence_templates.texts(name)) for name in FILES.values()) - TRAINING
    if not 1 <= config.held_out <= held:
        raise ConfigError(f"facts.held_out={config.held_out}: from 1 to {held}")


def facts(config: FactsConfig, sizes: Mapping[str, int], seed: int) -> Facts:
    """Return the facts of a seed; fact i is the same whatever their number."""
    made = _facts(config.count * len(SUBSETS), sizes, seed)
    told = tuple(_told(made, config))
    asked = tuple(_asked(made, config))
    return Facts(made, told, (*asked, *in_context(Facts(made, told, asked))))


def _facts(count: int, sizes: Mapping[str, int], seed: int) -> tuple[Fact, ...]:
    firsts, lasts = (pools.first(name, sizes[name]) for name in ("first_name", "last_name"))
    slots = [pools.lines(name) for name in SLOTS]
    index = np.arange(count)
    names = counter.permute(index, len(firsts) * len(lasts), seed, "fact/name")
    shapes = [len(slot) for slot in slots]
    words = np.unravel_index(counter.permute(index, prod(shapes), seed, "fact/description"), shapes)
    made = []
    for i in range(count):
        trait, role, look, thing = (slot[word[i]] for slot, word in zip(slots, words, strict=True))
        name = f"{firsts[names[i] // len(lasts)]} {lasts[names[i] % len(lasts)]}"
        made.append(Fact(SUBSETS[i % len(SUBSETS)], name, (f"the {trait} {role} of the {look} {thing}",)))
    return tuple(made)


def _orders(fact: Fact) -> tuple[str, ...]:
    return (NAME_FIRST, DESCRIPTION_FIRST) if fact.subset == BOTH else (fact.subset,)


def _say(task: str, number: int, fact: Fact, order: str, line: int, answer: Fact | None = None) -> Question:
    """Return a sentence cut before its last hole; `answer` is the fact whose answer is given, else its own."""
    template = sentence_templates.texts(FILES[order])[line]
    answer = answer or fact
    last, gold = ("{description}", answer.descriptions[0]) if order == NAME_FIRST else ("{name}", answer.name)
    prompt = template.partition(last)[0].format(name=fact.name, description=fact.descriptions[0]).rstrip()
    split = "train" if task == TOLD else "test"
    return Question(task, number, fact.subset, split, prompt, f"{gold}.")


def _told(made: tuple[Fact, ...], config: FactsConfig) -> Iterator[Question]:
    for number, fact in enumerate(made):
        for order in _orders(fact):
            for line in range(config.paraphrases):
                yield _say(TOLD, number, fact, order, line)


def _asked(made: tuple[Fact, ...], config: FactsConfig) -> Iterator[Question]:
    held = range(TRAINING, TRAINING + config.held_out)
    for number, fact in enumerate(made):
        for order in _orders(fact):
            yield _say(TOLD, number, fact, order, number % config.paraphrases)
            yield from (_say(SAME, number, fact, order, line) for line in held)
        if fact.subset != BOTH:
            order, other = OTHER[fact.subset], made[(number + len(SUBSETS)) % len(made)]
            yield from (_say(REVERSE, number, fact, order, line) for line in held)
            yield from (_say(RANDOM, number, fact, order, line, other) for line in held)
