"""Checks of a corpus before a model is trained on it; the pipeline stops where one raises AuditError.

Each detects a fault that has spoiled results: entries of a person side by side in one window (held-out accuracy fell
from 97% to 7% in a public replication), test people among the training questions, degenerate classes, values with
different tokens in question and entry, and spans that miss their value.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from math import log2

import numpy as np
from numpy.typing import NDArray

from data_gen.biographies.biography import Biography
from data_gen.errors import AuditError
from data_gen.people.world import World
from data_gen.questions.question import Question

Ids = NDArray[np.int64]
Tokens = Callable[[str], list[str]]
MAX_REPEAT_RATIO = 3.0
TOKEN_CACHE = 64  # texts whose tokens are cached


@dataclass(frozen=True)
class Repeats:
    """The share of windows that hold some person twice, as observed and in a uniform shuffle of the entries."""

    observed: float
    uniform: float
    windows: int


def measure_repeats(person: Ids, length: Ids, orders: Sequence[Ids], context: int) -> Repeats:
    """Measure the windows of `context` tokens cut from entries laid end to end in each order.

    person, length: (E,) person and number of tokens, end token included, of every entry. orders: permutations of E.
    """
    rng = np.random.default_rng(0)
    uniform = [rng.permutation(len(person)) for _ in orders]
    observed, windows = _count_repeats(person, length, orders, context)
    expected, _ = _count_repeats(person, length, uniform, context)
    return Repeats(observed / max(1, windows), expected / max(1, windows), windows)


def _count_repeats(person: Ids, length: Ids, orders: Sequence[Ids], context: int) -> tuple[int, int]:
    """Return the number of windows that hold some person twice, and of all windows."""
    repeated = windows = 0
    for order in orders:
        ends = np.cumsum(length[order])
        count = int(ends[-1]) // context
        first = (ends - length[order]) // context
        spanned = (ends - 1) // context - first + 1  # windows that an entry reaches into
        entry = np.repeat(np.arange(len(order)), spanned)
        offset = np.arange(len(entry)) - np.repeat(np.cumsum(spanned) - spanned, spanned)
        window = first[entry] + offset
        keys = np.stack([window, person[order][entry]], axis=1)[window < count]
        pairs, counts = np.unique(keys, axis=0, return_counts=True)
        repeated += len(np.unique(pairs[counts > 1, 0]))
        windows += count
    return repeated, windows


def check_repeats(repeats: Repeats) -> None:
    """Raise AuditError where over three times as many windows repeat a person as in a uniform shuffle."""
    if repeats.observed > MAX_REPEAT_RATIO * max(repeats.uniform, 1 / max(1, repeats.windows)):
        raise AuditError(
            f"{repeats.observed:.1%} of the windows hold a person twice, a uniform shuffle gives "
            f"{repeats.uniform:.1%}: shuffle the entries over the whole corpus"
        )


def check_disjoint(train: Iterable[int], test: Iterable[int], subject: str) -> None:
    """Raise AuditError where two splits share people; `subject` starts the message."""
    if shared := set(train) & set(test):
        raise AuditError(f"{subject}: {len(shared)} people are in both splits, person {min(shared)} among them")


def check_spans(entries: Iterable[Biography], worlds: Sequence[World], attributes: Sequence[str]) -> None:
    """Raise AuditError where an entry lacks an attribute or its span does not hold the value."""
    for number, entry in enumerate(entries):
        world = next((world for world in worlds if world.has_person(entry.person_id)), None)
        if world is None:
            raise AuditError(f"entry {number}: person {entry.person_id} is unknown to the world")
        row = entry.person_id - world.config.first_person
        texts = {span.attribute: entry.text[span.start : span.end] for span in entry.spans}
        if len(texts) < len(entry.spans):
            raise AuditError(f"entry {number}, person {entry.person_id}: an attribute has two spans")
        for attribute in attributes:
            if texts.get(attribute) != world.value(attribute, row):
                raise AuditError(
                    f"entry {number}, person {entry.person_id}: the {attribute} span holds "
                    f"{texts.get(attribute)!r} instead of {world.value(attribute, row)!r}"
                )


def check_boundaries(
    entries: Iterable[Biography], questions: Iterable[Question], tokens: Tokens, unknown: str | None = None
) -> None:
    """Raise AuditError where a value has other tokens in an entry or a question than on its own.

    unknown: the tokenizer's token for unknown words; a value that contains it is refused.
    """
    tokens = lru_cache(TOKEN_CACHE)(tokens)  # all values of an entry share one text
    for entry in entries:
        for span in entry.spans:
            before, value = entry.text[: span.start].rstrip(), entry.text[span.start : span.end]
            _check_tokens(tokens, before, value, entry.text, span.attribute, unknown)
    for question in questions:
        _check_tokens(tokens, question.prompt, question.gold[:-1], question.text, question.attribute, unknown)


def _check_tokens(tokens: Tokens, before: str, value: str, text: str, attribute: str, unknown: str | None) -> None:
    whole, head, expected = tokens(text), tokens(before), tokens(value)
    inside = whole[len(head) : len(head) + len(expected)]
    if unknown is not None and unknown in expected:
        raise AuditError(f"tokenizer: the {attribute} {value!r} holds unknown words; choose another tokenizer")
    if whole[: len(head)] != head or inside != expected:
        raise AuditError(
            f"tokenizer: the {attribute} {value!r} is {expected} alone but {inside} in {text[:60]!r}...; "
            "choose another tokenizer"
        )


def class_statistics(world: World, attribute: str, tokens: Tokens | None = None) -> dict[str, float]:
    """Return number of classes, majority share and entropy in bits of an attribute's values among the people.

    With `tokens`, the classes are the values' first tokens instead of the whole values.
    """
    ids, counts = np.unique(world.values[attribute], return_counts=True)
    texts = [world.pools[attribute][int(i)] for i in ids]
    tally: Counter[str] = Counter()
    for text, count in zip(texts, counts, strict=True):
        tally[tokens(text)[0] if tokens else text] += int(count)
    shares = [count / len(world) for count in tally.values()]
    return {"classes": len(tally), "majority": max(shares), "entropy": -sum(share * log2(share) for share in shares)}


def check_classes(world: World, attributes: Sequence[str], tokens: Tokens) -> dict[str, dict[str, float]]:
    """Return the statistics of every attribute's classes; raises AuditError where one has a single class."""
    table = {}
    for attribute in attributes:
        for kind, first_token in (("first_token", tokens), ("whole", None)):
            row = class_statistics(world, attribute, first_token)
            if row["classes"] < 2:
                raise AuditError(f"{attribute}: one class only ({kind}); enlarge its pool or the world")
            table[f"{attribute}/{kind}"] = row
    return table
