"""Cures of the reversal curse by data augmentation (2403.13799; identity sentences: 2602.02470).

Each adds sentences to the training sentences: reversed by tokens, by words, by words with names and
descriptions kept whole, or by random segments; or sentences that every entity is itself.
"""

import re
from collections.abc import Sequence

import numpy as np

from data_gen.biographies import sentence_templates
from data_gen.config import ToldFactsConfig
from data_gen.facts.fact import Facts

SEGMENT_MARK = "<|rev|>"  # between the segments of a reversed sentence
_WORD = re.compile(r"[\w'’-]+|[^\w\s]")


def added_texts(config: ToldFactsConfig, facts: Facts, seed: int) -> list[str]:
    """Return the texts that a cure adds, one per training sentence; none and token (see `reverse_tokens`) add none."""
    if config.cure == "identity":
        return identity_sentences(facts)
    texts = []
    for number, sentence in enumerate(facts.training):
        if config.cure == "word":
            texts.append(reverse_words(sentence.text))
        elif config.cure == "entity":
            texts.append(reverse_words(sentence.text, facts.facts[sentence.person].entity_spans(sentence.text)))
        elif config.cure == "segment":
            rng = np.random.default_rng([seed, number])
            texts.append(reverse_segments(sentence.text, config.segment, rng))
    return texts


def reverse_tokens(ids: Sequence[int]) -> list[int]:
    """Return token ids in reversed order."""
    return list(ids)[::-1]


def reverse_words(text: str, whole: Sequence[tuple[int, int]] = ()) -> str:
    """Return the words and punctuation marks of a text in reversed order; each span in `whole` counts as one word."""
    words, position = [], 0
    for start, end in whole:
        words += [*_WORD.findall(text[position:start]), text[start:end]]
        position = end
    return " ".join(reversed([*words, *_WORD.findall(text[position:])]))


def reverse_segments(text: str, longest: int, rng: np.random.Generator) -> str:
    """Cut a text into segments of 1 to `longest` words and return them in reversed order, a mark between them."""
    rest, segments = _WORD.findall(text), []
    while rest:
        size = int(rng.integers(1, longest + 1))
        segments.append(" ".join(rest[:size]))
        rest = rest[size:]
    return f" {SEGMENT_MARK} ".join(reversed(segments))


def identity_sentences(facts: Facts) -> list[str]:
    """Return sentences that a name or a description is itself, as many as there are training sentences."""
    lines = sentence_templates.read_lines("identity")
    entities = [entity for fact in facts.facts for entity in (fact.name, fact.descriptions[0])]
    count = len(facts.training)
    return [lines[i // len(entities) % len(lines)].format(x=entities[i % len(entities)]) for i in range(count)]
