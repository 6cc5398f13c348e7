"""What is wrong with a corpus before a model sees it; the pipeline stops where an audit refuses.

The failures it knows are historic: entries of a person side by side in one window (97% became 7%), test
people among the training questions, degenerate classes, values that tokenise differently in question and
entry, spans that miss their value.
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

Tokens = Callable[[str], list[str]]
MOST_REPEATS = 3.0
LATELY = 64  # texts whose tokens are remembered


@dataclass(frozen=True)
class Repeats:
    """Share of windows that hold some person twice, and what a uniform shuffle of the entries gives."""

    observed: float
    uniform: float
    windows: int


def repeats(
    person: NDArray[np.int64], length: NDArray[np.int64], orders: Sequence[NDArray[np.int64]], context: int
) -> Repeats:
    """Measure the windows of `context` tokens cut from entries laid end to end in each order.

    person, length: (E,) of every entry, in tokens, the end token counted. orders: permutations of E.
    """
    rng = np.random.default_rng(0)
    uniform = [rng.permutation(len(person)) for _ in orders]
    observed, windows = _repeated(person, length, orders, context)
    expected, _ = _repeated(person, length, uniform, context)
    return Repeats(observed / max(1, windows), expected / max(1, windows), windows)


def _repeated(
    person: NDArray[np.int64], length: NDArray[np.int64], orders: Sequence[NDArray[np.int64]], context: int
) -> tuple[int, int]:
    repeated = windows = 0
    for order in orders:
        ends = np.cumsum(length[order])
        starts = ends - length[order]
        count = int(ends[-1]) // context
        first, last = starts // context, (ends - 1) // context
        entry = np.repeat(np.arange(len(order)), last - first + 1)
        offset = np.arange(len(entry)) - np.repeat(np.cumsum(last - first + 1) - (last - first + 1), last - first + 1)
        window = first[entry] + offset
        keys = np.stack([window, person[order][entry]], axis=1)[window < count]
        pairs, seen = np.unique(keys, axis=0, return_counts=True)
        repeated += len(np.unique(pairs[seen > 1, 0]))
        windows += count
    return repeated, windows


def check_repeats(found: Repeats) -> None:
    """Raise AuditError where people meet themselves in windows above three times the uniform share."""
    if found.observed > MOST_REPEATS * max(found.uniform, 1 / max(1, found.windows)):
        raise AuditError(
            f"{found.observed:.1%} of the windows hold a person twice, a uniform shuffle gives "
            f"{found.uniform:.1%}: shuffle the entries over the whole corpus"
        )


def check_disjoint(train: Iterable[int], test: Iterable[int], what: str) -> None:
    """Raise AuditError where two splits that must not share people do."""
    if shared := set(train) & set(test):
        raise AuditError(f"{what}: {len(shared)} people are in both splits, person {min(shared)} among them")


def check_spans(entries: Iterable[Biography], worlds: Sequence[World], attributes: Sequence[str]) -> None:
    """Raise AuditError where an entry lacks an attribute or its span does not hold the value."""
    for number, entry in enumerate(entries):
        world = next((world for world in worlds if world.knows(entry.person_id)), None)
        if world is None:
            raise AuditError(f"entry {number}: person {entry.person_id} is unknown to the world")
        row = entry.person_id - world.config.first_person
        told = {span.attribute: entry.text[span.start : span.end] for span in entry.spans}
        if len(told) < len(entry.spans):
            raise AuditError(f"entry {number}, person {entry.person_id}: an attribute has two spans")
        for attribute in attributes:
            if told.get(attribute) != world.value(attribute, row):
                raise AuditError(
                    f"entry {number}, person {entry.person_id}: the {attribute} span holds "
                    f"{told.get(attribute)!r} instead of {world.value(attribute, row)!r}"
                )


def check_boundaries(
    entries: Iterable[Biography], questions: Iterable[Question], tokens: Tokens, unknown: str | None = None
) -> None:
    """Raise AuditError where a value has other tokens in an entry or a question than on its own.

    unknown: the token that stands for what the tokenizer does not know; a value that holds it is refused.
    """
    tokens = lru_cache(LATELY)(tokens)  # the values of an entry stand in one text
    for entry in entries:
        for span in entry.spans:
            before, value = entry.text[: span.start].rstrip(), entry.text[span.start : span.end]
            _stable(tokens, before, value, entry.text, span.attribute, unknown)
    for question in questions:
        _stable(tokens, question.prompt, question.gold[:-1], question.text, question.attribute, unknown)


def _stable(tokens: Tokens, before: str, value: str, text: str, attribute: str, unknown: str | None) -> None:
    whole, head, alone = tokens(text), tokens(before), tokens(value)
    found = whole[len(head) : len(head) + len(alone)]
    if unknown is not None and unknown in alone:
        raise AuditError(f"tokenizer: the {attribute} {value!r} holds unknown words; choose another tokenizer")
    if whole[: len(head)] != head or found != alone:
        raise AuditError(
            f"tokenizer: the {attribute} {value!r} is {alone} alone but {found} in {text[:60]!r}...; "
            "choose another tokenizer"
        )


def classes(world: World, attribute: str, tokens: Tokens | None = None) -> dict[str, float]:
    """Return count, majority share and entropy in bits of an attribute's values among the people.

    With `tokens`, of the values' first tokens instead of the whole values.
    """
    ids, counts = np.unique(world.values[attribute], return_counts=True)
    texts = [world.pools[attribute][int(i)] for i in ids]
    tally: Counter[str] = Counter()
    for text, count in zip(texts, counts, strict=True):
        tally[tokens(text)[0] if tokens else text] += int(count)
    shares = [count / len(world) for count in tally.values()]
    return {"classes": len(tally), "majority": max(shares), "entropy": -sum(share * log2(share) for share in shares)}


def check_classes(world: World, attributes: Sequence[str], tokens: Tokens) -> dict[str, dict[str, float]]:
    """Return the class table of every attribute; raises AuditError where one has a single class."""
    table = {}
    for attribute in attributes:
        for kind, cut in (("first_token", tokens), ("whole", None)):
            row = classes(world, attribute, cut)
            if row["classes"] < 2:
                raise AuditError(f"{attribute}: one class only ({kind}); enlarge its pool or the world")
            table[f"{attribute}/{kind}"] = row
    return table
