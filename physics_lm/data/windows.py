"""Pretraining batches: windows of entries, interleaved with windows of questions."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from data_gen.errors import ConfigError
from physics_lm.data.batches import IGNORE, INPUTS, LABELS, Batch
from physics_lm.data.ragged import Flat, Ids, epoch_order


class Entries(Protocol):
    """Token sequences that can be concatenated in any order: `Ragged`, or the same on a device."""

    @property
    def lengths(self) -> NDArray[np.int64]:
        """(E,) lengths in tokens."""

    def __len__(self) -> int: ...

    def reorder(self, order: NDArray[np.int64]) -> Flat:
        """Return the tokens of the sequences in another order."""


class Windows:
    """An endless sequence of windows of `context` tokens; a window depends on its number only.

    `source(epoch)` returns the entries of an epoch: always the same for a fixed corpus, new ones for a fresh corpus.
    """

    def __init__(self, source: Callable[[int], Entries], context: int, seed: int, shuffle: bool = True) -> None:
        """Cut windows of `context` tokens; the last, incomplete one of an epoch is dropped."""
        self._source, self.context, self._seed, self._shuffle = source, context, seed, shuffle
        self.per_epoch = int(source(0).lengths.sum()) // context
        if self.per_epoch < 1:
            raise ConfigError(
                f"pretrain.context={context}: longer than all entries (or all questions) together; "
                "raise world.people or lower it"
            )
        self._cached_tokens = lru_cache(maxsize=2)(self._epoch_tokens)

    def _epoch_tokens(self, epoch: int) -> Flat:
        entries = self._source(epoch)
        return entries.reorder(epoch_order(len(entries), self._seed, epoch, self._shuffle))

    def __getitem__(self, index: int) -> Ids:
        window: Ids = self.take(np.array([index]))[0]
        return window

    def take(self, index: NDArray[np.int64]) -> Ids:
        """Return the windows at `index`, (len(index), context)."""
        epochs, numbers = np.divmod(index, self.per_epoch)
        windows = np.empty((len(index), self.context), np.int32)
        for epoch in np.unique(epochs):
            tokens, rows = self._cached_tokens(int(epoch)), epochs == epoch
            # a fresh epoch may be a little shorter than the first: its last windows then overlap
            start = np.minimum(numbers[rows] * self.context, len(tokens) - self.context)
            windows[rows] = tokens[start[:, None] + np.arange(self.context)]
        return windows


@dataclass(frozen=True)
class WindowBatches:
    """Batches of windows of entries and windows of questions in a fixed ratio (Part 3.1, section 3: mixed training).

    share: of windows that hold questions. masked_questions: the windows of questions with every answer replaced by
    masks; where given, they are the inputs, and the loss on a question is on its answer only.
    """

    entries: Windows
    questions: Windows | None
    share: float
    batch: int
    seed: int
    masked_questions: Windows | None = None

    def __call__(self, step: int) -> Batch:
        """Return the batch of a step: inputs and labels, each (batch, context)."""
        index = step * self.batch + np.arange(self.batch)
        if self.questions is None or not self.share:
            inputs = self.entries.take(index)
            return {INPUTS: inputs, LABELS: inputs}
        before = self._questions_before(index)
        is_question = self._questions_before(index + 1) > before
        labels = np.empty((self.batch, self.entries.context), np.int32)
        labels[~is_question] = self.entries.take((index - before)[~is_question])
        labels[is_question] = self.questions.take(before[is_question])
        if self.masked_questions is None:
            return {INPUTS: labels, LABELS: labels}
        inputs = labels.copy()
        inputs[is_question] = self.masked_questions.take(before[is_question])
        labels = np.where(is_question[:, None] & (inputs == labels), IGNORE, labels).astype(np.int32)
        return {INPUTS: inputs, LABELS: labels}

    def _questions_before(self, index: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return how many of the first `index` windows hold questions: an even spread of the share."""
        phase = np.random.default_rng([self.seed, 7]).random()
        return (index * self.share + phase).astype(np.int64) - int(phase)
