"""Texts that tell of nobody, the control of the celebrities (Part 3.1, section 4.3): templates/unrelated.txt.

A line is a sentence; `{one|other}` in it is a choice.
"""

import re
from collections.abc import Iterator, Sequence
from functools import cache

import numpy as np

from data_gen import counter
from data_gen.biographies import sentence_templates

SENTENCES = 3  # of a text, which is then about as long as an entry
_CHOICE = re.compile(r"\{([^{}]+)\}")


@cache
def _lines() -> tuple[tuple[tuple[str, ...], ...], ...]:
    """Return every sentence as pieces, each the words to choose from; a literal has one."""
    return tuple(tuple(map(_choices, enumerate(_CHOICE.split(line)))) for line in sentence_templates.texts("unrelated"))


def _choices(piece: tuple[int, str]) -> tuple[str, ...]:
    number, text = piece
    return tuple(text.split("|")) if number % 2 else (text,)


def texts(count: int, seed: int, epoch: int = 0) -> Iterator[str]:
    """Yield `count` texts of three different sentences; text i of an epoch is the same for any count."""
    lines = _lines()
    most = max(map(len, lines))
    when, number = np.array([epoch]), np.arange(count)
    order = np.argsort(counter.words(seed, "unrelated/sentence", when, number[:, None], np.arange(len(lines))), axis=1)
    place = np.arange(SENTENCES)[:, None]
    drawn = counter.words(seed, "unrelated/word", when, number[:, None, None], place, np.arange(most))
    for told, words in zip(order[:, :SENTENCES].tolist(), drawn.tolist(), strict=True):
        yield " ".join(_sentence(lines[line], keys) for line, keys in zip(told, words, strict=True))


def _sentence(pieces: Sequence[tuple[str, ...]], keys: Sequence[int]) -> str:
    return "".join(words[key % len(words)] for words, key in zip(pieces, keys, strict=False))
