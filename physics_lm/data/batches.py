"""TODO physics_lm.data.batches."""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from physics_lm.data.ragged import Ids, Ragged, epoch_order, pad

IGNORE = -100


@dataclass(frozen=True)
class QuestionBatches:
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
