"""Batches as pure functions of the step, so that the data position is the step number itself.

Entries are joined by the end token in an order shuffled over the whole corpus every epoch, and cut into
windows (Part 3.1, section 2.4). Every window is of one kind: biographies or questions.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from data_gen.config import ConfigError

Ids = NDArray[np.int32]
Flat = NDArray[np.integer[Any]]  # many ids: uint16 where the vocabulary allows
IGNORE = -100
BLOCK = 16_384  # sequences that are laid at once


@dataclass(frozen=True)
class Ragged:
    """E token sequences laid end to end: sequence i is flat[bounds[i]:bounds[i + 1]]."""

    flat: Flat
    bounds: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.bounds) - 1

    @cached_property
    def lengths(self) -> NDArray[np.int64]:
        """(E,) lengths in tokens."""
        return np.diff(self.bounds)

    def __getitem__(self, index: int) -> Flat:
        return self.flat[self.bounds[index] : self.bounds[index + 1]]

    def reorder(self, order: NDArray[np.int64]) -> Flat:
        """Return the sequences laid end to end in another order, which may leave out and repeat."""
        lengths = self.lengths
        laid = np.empty(int(lengths[order].sum()), self.flat.dtype)
        filled = 0
        for first in range(0, len(order), BLOCK):  # by blocks, so that the indices stay in the processor's cache
            block = order[first : first + BLOCK]
            length = lengths[block]
            stops = np.cumsum(length)
            index = np.repeat(self.bounds[block] - (stops - length), length)
            index += np.arange(len(index))
            np.take(self.flat, index, out=laid[filled : filled + len(index)], mode="clip")
            filled += len(index)
        return laid


def pad(sequences: Ragged, index: NDArray[np.int64], filler: int) -> Ids:
    """Return the sequences at `index`, shape (len(index), longest), filled up on the right."""
    lengths = sequences.lengths[index]
    place = np.arange(int(lengths.max()))
    flat = np.minimum(sequences.bounds[index, None] + place, len(sequences.flat) - 1)
    return np.where(place < lengths[:, None], sequences.flat[flat], filler).astype(np.int32)


def ragged(sequences: Sequence[Sequence[int]], end_id: int) -> Ragged:
    """Lay token sequences end to end, the end token after each."""
    lengths = np.fromiter((len(s) + 1 for s in sequences), np.int64, len(sequences))
    flat = np.fromiter((i for s in sequences for i in (*s, end_id)), np.int32, int(lengths.sum()))
    return Ragged(flat, np.concatenate([[0], np.cumsum(lengths)]))


def epoch_order(size: int, seed: int, epoch: int, shuffle: bool = True) -> NDArray[np.int64]:
    """Return the order of one epoch, a permutation of `size` entries."""
    if not shuffle:
        return np.arange(size)
    return np.random.default_rng([seed, epoch]).permutation(size)


class Entries(Protocol):
    """Token sequences that are told in some order: `Ragged`, or what holds them elsewhere."""

    @property
    def lengths(self) -> NDArray[np.int64]:
        """(E,) lengths in tokens."""

    def __len__(self) -> int: ...

    def reorder(self, order: NDArray[np.int64]) -> Flat:
        """Return the sequences laid end to end in another order."""


class Windows:
    """An endless sequence of windows of `context` tokens; window i never depends on who asks when.

    `source(epoch)` gives the entries of an epoch: the same for a fixed corpus, others for a fresh one.
    """

    def __init__(self, source: Callable[[int], Entries], context: int, seed: int, shuffle: bool = True) -> None:
        """Cut windows of `context` tokens; the last, incomplete one of an epoch is left out."""
        self._source, self.context, self._seed, self._shuffle = source, context, seed, shuffle
        self.per_epoch = int(source(0).lengths.sum()) // context
        if self.per_epoch < 1:
            raise ConfigError(f"pretrain.context={context}: longer than everything to be read; take more people")
        self._laid = lru_cache(maxsize=2)(self._lay)

    def _lay(self, epoch: int) -> Flat:
        entries = self._source(epoch)
        return entries.reorder(epoch_order(len(entries), self._seed, epoch, self._shuffle))

    def __getitem__(self, index: int) -> Ids:
        window: Ids = self.take(np.array([index]))[0]
        return window

    def take(self, index: NDArray[np.int64]) -> Ids:
        """Return the windows at `index`, (len(index), context)."""
        epochs, windows = np.divmod(index, self.per_epoch)
        found = np.empty((len(index), self.context), np.int32)
        for epoch in np.unique(epochs):
            laid, chosen = self._laid(int(epoch)), epochs == epoch
            # a fresh epoch may be a little shorter than the first: its last windows then overlap
            start = np.minimum(windows[chosen] * self.context, len(laid) - self.context)
            found[chosen] = laid[start[:, None] + np.arange(self.context)]
        return found


@dataclass(frozen=True)
class Mixture:
    """Batches of windows, a share of which hold questions (Part 3.1, section 3: mixed training).

    cloze: the windows of questions with every answer hidden behind masks; only the answers are then learned.
    """

    entries: Windows
    questions: Windows | None
    share: float
    batch: int
    seed: int
    cloze: Windows | None = None

    def __call__(self, step: int) -> tuple[Ids, Ids]:
        """Return inputs and labels, each (batch, context), of a step; without a cloze all tokens are learned."""
        index = step * self.batch + np.arange(self.batch)
        if self.questions is None or not self.share:
            seen = self.entries.take(index)
            return seen, seen
        asked = self._asked(index)
        asks = self._asked(index + 1) > asked
        learned = np.empty((self.batch, self.entries.context), np.int32)
        learned[~asks] = self.entries.take((index - asked)[~asks])
        learned[asks] = self.questions.take(asked[asks])
        if self.cloze is None:
            return learned, learned
        seen = learned.copy()
        seen[asks] = self.cloze.take(asked[asks])
        return seen, np.where(asks[:, None] & (seen == learned), IGNORE, learned).astype(np.int32)

    def _asked(self, index: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return how many of the first `index` windows hold questions: an even spread of the share."""
        phase = np.random.default_rng([self.seed, 7]).random()
        return (index * self.share + phase).astype(np.int64) - int(phase)


@dataclass(frozen=True)
class Rows:
    """Batches of single questions, padded on the right; only the answers are learned.

    sequences: each question with its end token. prompt: (Q,) how many of its tokens are the prompt's.
    hide: the id that is shown in place of the answers' tokens, for a model that restores them; the end token
    is then shown and not learned.
    """

    sequences: Ragged
    prompt: NDArray[np.int64]
    batch: int
    seed: int
    pad: int
    hide: int | None = None

    def __call__(self, step: int) -> tuple[Ids, Ids]:
        """Return inputs and labels, each (batch, longest), of a step."""
        index = np.array([self._index(step * self.batch + row) for row in range(self.batch)])
        return self.pack(index)

    def _index(self, number: int) -> int:
        epoch, place = divmod(number, len(self.sequences))
        return int(self._order(epoch)[place])

    def _order(self, epoch: int) -> NDArray[np.int64]:
        return _cached_order(len(self.sequences), self.seed, epoch)

    def pack(self, index: NDArray[np.int64]) -> tuple[Ids, Ids]:
        """Return inputs and labels of the questions at `index`, padded to the longest."""
        inputs = pad(self.sequences, index, self.pad)
        place = np.arange(inputs.shape[1])
        told = self.sequences.lengths[index, None] - (self.hide is not None)
        answer = (place >= self.prompt[index, None]) & (place < told)
        labels = np.where(answer, inputs, IGNORE).astype(np.int32)
        return inputs if self.hide is None else np.where(answer, self.hide, inputs).astype(np.int32), labels


@lru_cache(maxsize=4)
def _cached_order(size: int, seed: int, epoch: int) -> NDArray[np.int64]:
    return epoch_order(size, seed, epoch)
