"""Texts about nobody, the control for the celebrities (Part 3.1, section 4.3), from templates/unrelated.txt.

Each line of the file is a sentence; `{rain|snow}` in it is a choice of words.
"""

import re
from collections.abc import Iterator, Sequence
from functools import cache

import numpy as np

from data_gen import counter
from data_gen.biographies import sentence_templates

SENTENCES = 3  # per text, so that a text is about as long as an entry
_CHOICE = re.compile(r"\{([^{}]+)\}")


@cache
def _sentence_pieces() -> tuple[tuple[tuple[str, ...], ...], ...]:
    """Return every sentence as a sequence of pieces; a piece is a tuple of alternatives, a literal has one."""
    lines = sentence_templates.read_lines("unrelated")
    return tuple(tuple(tuple(piece.split("|")) for piece in _CHOICE.split(line)) for line in lines)


def texts(count: int, seed: int, epoch: int = 0) -> Iterator[str]:
    """Yield `count` texts of three different sentences; text i of an epoch is the same for any count."""
    pieces = _sentence_pieces()
    longest = max(map(len, pieces))
    epochs, number = np.array([epoch]), np.arange(count)
    keys = counter.words(seed, "unrelated/sentence", epochs, number[:, None], np.arange(len(pieces)))
    order, position = np.argsort(keys, axis=1), np.arange(SENTENCES)[:, None]
    draws = counter.words(seed, "unrelated/word", epochs, number[:, None, None], position, np.arange(longest))
    for sentences, words in zip(order[:, :SENTENCES].tolist(), draws.tolist(), strict=True):
        yield " ".join(_fill(pieces[sentence], choices) for sentence, choices in zip(sentences, words, strict=True))


def _fill(pieces: Sequence[tuple[str, ...]], draws: Sequence[int]) -> str:
    return "".join(words[draw % len(words)] for words, draw in zip(pieces, draws, strict=False))
