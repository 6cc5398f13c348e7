"""Fine-tuning batches: one question or sentence per row, with the loss on part of its tokens."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from physics_lm.data.ragged import Ragged, epoch_order, pad

IGNORE = -100  # the label of a token without loss
INPUTS, LABELS = "input_ids", "labels"  # tensors of every batch, (B, T) each; an objective may need more
Batch = Mapping[str, NDArray[Any]]
_cached_order = lru_cache(maxsize=4)(epoch_order)


@dataclass(frozen=True)
class QuestionBatches:
    """Batches of single questions, padded on the right; the loss is on the answers only.

    sequences: Q questions, each with its end token. prompt_length: (Q,) in tokens. pad_id: the id that fills rows.
    mask_id: for a bidirectional model, the id that replaces the answers' tokens in the input; the end token then stays
    in the input and has no loss.
    """

    sequences: Ragged
    prompt_length: NDArray[np.int64]
    batch: int
    seed: int
    pad_id: int
    mask_id: int | None = None

    def __call__(self, step: int) -> Batch:
        """Return the batch of a step: inputs and labels, each (batch, longest question)."""
        size, numbers = len(self.sequences), range(step * self.batch, (step + 1) * self.batch)
        return self.pack(np.array([_cached_order(size, self.seed, n // size)[n % size] for n in numbers]))

    def pack(self, index: NDArray[np.int64]) -> Batch:
        """Return inputs and labels of the questions at `index`, padded to the longest."""
        inputs = pad(self.sequences, index, self.pad_id)
        token = np.arange(inputs.shape[1])
        stop = self.sequences.lengths[index, None] - (self.mask_id is not None)
        answer = (token >= self.prompt_length[index, None]) & (token < stop)
        labels = np.where(answer, inputs, IGNORE).astype(np.int32)
        if self.mask_id is not None:
            inputs = np.where(answer, self.mask_id, inputs).astype(np.int32)
        return {INPUTS: inputs, LABELS: labels}
