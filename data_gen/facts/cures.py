"""Cures of the reversal curse on the side of the data (2403.13799; identity sentences: 2602.02470).

Each adds sentences to those that tell the facts: reversed by tokens, by words, by words with names and
descriptions left whole, or by random segments; or sentences that say of everything that it is itself.
"""

import re
from collections.abc import Sequence

import numpy as np

from data_gen.biographies import sentence_templates
from data_gen.config import FactsConfig
from data_gen.errors import ConfigError
from data_gen.facts.fact import Facts

KINDS = ("none", "token", "word", "entity", "segment", "identity")
MARK = "<|rev|>"  # between the segments of a reversed sentence
_WORD = re.compile(r"[\w'’-]+|[^\w\s]")


def check(config: FactsConfig) -> None:
    """Raise ConfigError naming the key and the mend where there is no such cure."""
    if config.cure not in KINDS:
        raise ConfigError(f"facts.cure={config.cure}: choose one of {', '.join(KINDS)}")
    if config.segment < 1:
        raise ConfigError(f"facts.segment={config.segment}: 1 word or more")


def added(config: FactsConfig, facts: Facts, seed: int) -> list[str]:
    """Return the texts a cure adds, one for each sentence told; none and token (see `tokens`) add no texts."""
    if config.cure == "identity":
        return identities(facts)
    texts = []
    for number, sentence in enumerate(facts.told):
        if config.cure == "word":
            texts.append(words(sentence.text))
        elif config.cure == "entity":
            texts.append(words(sentence.text, facts.facts[sentence.person].entities(sentence.text)))
        elif config.cure == "segment":
            texts.append(segments(sentence.text, config.segment, np.random.default_rng([seed, number])))
    return texts


def tokens(ids: Sequence[int]) -> list[int]:
    """Return token ids in reversed order."""
    return list(ids)[::-1]


def words(text: str, whole: Sequence[tuple[int, int]] = ()) -> str:
    """Return the words (and marks) of a text in reversed order; the spans in `whole` keep theirs."""
    parts, place = [], 0
    for start, end in whole:
        parts += [*_WORD.findall(text[place:start]), text[start:end]]
        place = end
    return " ".join(reversed([*parts, *_WORD.findall(text[place:])]))


def segments(text: str, longest: int, rng: np.random.Generator) -> str:
    """Return the text cut into segments of 1 to `longest` words, in reversed order, a mark between them."""
    rest, parts = _WORD.findall(text), []
    while rest:
        size = int(rng.integers(1, longest + 1))
        parts.append(" ".join(rest[:size]))
        rest = rest[size:]
    return f" {MARK} ".join(reversed(parts))


def identities(facts: Facts) -> list[str]:
    """Return sentences that say of names and descriptions that they are themselves, as many as are told."""
    lines = sentence_templates.texts("identity")
    things = [thing for fact in facts.facts for thing in (fact.name, fact.descriptions[0])]
    count = len(facts.told)
    return [lines[i // len(things) % len(lines)].format(x=things[i % len(things)]) for i in range(count)]
