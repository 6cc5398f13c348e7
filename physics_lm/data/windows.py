"""TODO physics_lm.data.windows."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from data_gen.errors import ConfigError
from physics_lm.data.batches import IGNORE
from physics_lm.data.ragged import Flat, Ids, epoch_order


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
class WindowBatches:
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
