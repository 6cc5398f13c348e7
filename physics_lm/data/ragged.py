"""Token sequences of different lengths in one flat array, and the order of entries in each epoch.

Entries are joined by the end token in an order that is shuffled over the whole corpus every epoch (Part 3.1, section
2.4). The order is a pure function of seed and epoch, so a step number alone gives the position in the data.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

Ids = NDArray[np.int32]
Flat = NDArray[np.integer[Any]]  # many ids: uint16 where the vocabulary allows
BLOCK = 16_384  # sequences that are copied at once


@dataclass(frozen=True)
class Ragged:
    """E token sequences laid end to end: sequence i is flat[bounds[i]:bounds[i + 1]]."""

    flat: Flat
    bounds: NDArray[np.int64]

    @classmethod
    def from_lengths(cls, flat: Flat, lengths: NDArray[np.int64]) -> "Ragged":
        """Return the sequences of the given lengths that lie end to end in `flat`."""
        return cls(flat, np.concatenate([[0], np.cumsum(lengths)]))

    def __len__(self) -> int:
        return len(self.bounds) - 1

    @cached_property
    def lengths(self) -> NDArray[np.int64]:
        """(E,) lengths in tokens."""
        return np.diff(self.bounds)

    def __getitem__(self, index: int) -> Flat:
        return self.flat[self.bounds[index] : self.bounds[index + 1]]

    def select(self, index: NDArray[np.int64]) -> "Ragged":
        """Return a copy of the sequences at `index`, which may leave out and repeat."""
        return Ragged.from_lengths(self.reorder(index), self.lengths[index])

    def reorder(self, order: NDArray[np.int64]) -> Flat:
        """Return the tokens of the sequences in another order, which may leave out and repeat."""
        lengths = self.lengths
        flat = np.empty(int(lengths[order].sum()), self.flat.dtype)
        filled = 0
        for first in range(0, len(order), BLOCK):  # by blocks, so that the indices stay in the processor's cache
            block = order[first : first + BLOCK]
            length = lengths[block]
            stops = np.cumsum(length)
            index = np.repeat(self.bounds[block] - (stops - length), length)
            index += np.arange(len(index))
            np.take(self.flat, index, out=flat[filled : filled + len(index)], mode="clip")
            filled += len(index)
        return flat


def pad(sequences: Ragged, index: NDArray[np.int64], filler: int) -> Ids:
    """Return the sequences at `index`, shape (len(index), longest), padded on the right."""
    lengths = sequences.lengths[index]
    token = np.arange(int(lengths.max()))
    flat = np.minimum(sequences.bounds[index, None] + token, len(sequences.flat) - 1)
    return np.where(token < lengths[:, None], sequences.flat[flat], filler).astype(np.int32)


def join(sequences: Sequence[Sequence[int]], end_id: int) -> Ragged:
    """Lay token sequences end to end, the end token after each."""
    lengths = np.fromiter((len(s) + 1 for s in sequences), np.int64, len(sequences))
    flat = np.fromiter((i for s in sequences for i in (*s, end_id)), np.int32, int(lengths.sum()))
    return Ragged.from_lengths(flat, lengths)


def epoch_order(size: int, seed: int, epoch: int, shuffle: bool = True) -> NDArray[np.int64]:
    """Return the order of one epoch, a permutation of `size` entries."""
    return np.random.default_rng([seed, epoch]).permutation(size) if shuffle else np.arange(size)
