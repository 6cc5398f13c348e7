"""Texts about nobody, from templates/unrelated.txt: the celebrities' control, as many as these would have entries.

Each line of the file is a sentence; `{rain|snow}` in it is a choice of words.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np

from data_gen import counter
from data_gen.biographies import sentence_templates
from data_gen.biographies.biography import Biography
from data_gen.config import AuxiliaryConfig, CorpusConfig, WorldConfig
from data_gen.corpus.beside import FIRST_NOBODY_ID
from data_gen.people.world import World
from data_gen.settings import kind

VERSION = 1
GROUP = "unrelated"
SENTENCES = 3  # per text, so that a text is about as long as an entry
_CHOICE = re.compile(r"\{([^{}]+)\}")


@dataclass(frozen=True)
class Config(AuxiliaryConfig):
    """people, entries, orders: those of the celebrities of whom there are as many entries."""

    kind: str = kind("unrelated")


def check(config: Config, main_world: WorldConfig, corpus: CorpusConfig) -> None:
    """Any number of texts can be made."""


def people(config: Config, main_world: WorldConfig) -> None:
    """The texts tell of nobody."""


def entries(config: Config, people: World | None, corpus: CorpusConfig, seed: int, epoch: int) -> Iterator[Biography]:
    """Yield the texts of an epoch."""
    for number, text in enumerate(texts(config.people * config.entries_per_person, seed, epoch)):
        yield Biography(text, FIRST_NOBODY_ID - number, GROUP, ())


def describe(config: Config, own: int) -> str:
    """Return whom the whole corpus tells of."""
    return f"{own} invented people, and texts that tell of nobody"


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
