"""Bidirectional objectives: masked tokens are restored from both sides (Part 3.1, section 6; 2406.05183).

They need full attention; `models.causality` says how a model gets it.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from transformers import PreTrainedModel, PreTrainedTokenizerBase

from physics_lm.config.training import TrainConfig
from physics_lm.data.batches import IGNORE
from physics_lm.data.mask_token import mask_id
from physics_lm.kernels import head_loss

UNCHANGED_SHARE, RANDOM_SHARE = 0.1, 0.1  # of the tokens that `masked` selects: left as they are, or replaced
Loss = Callable[[PreTrainedModel, Tensor, Tensor, int], Tensor]


def attention_mask(ids_BxT: Tensor, end_id: int) -> Tensor:
    """Return the (B, T) attention mask: 0 for the end tokens that pad a row, except for the first of them."""
    last_B = ids_BxT.shape[1] - 1 - (ids_BxT != end_id).long().flip(1).argmax(1)
    return (torch.arange(ids_BxT.shape[1], device=ids_BxT.device) <= last_B[:, None] + 1).long()


@dataclass(frozen=True)
class Objective:
    """The loss of restoring masked tokens; the masks of a step depend on the seed and the step only.

    Only tokens with a label are selected. Tokens that are masks already (a question's answer) are always targets.
    kind `masked`: whole words are selected at `rate`; 80% of their tokens are replaced by the mask, 10% by a random
    token, and 10% stay. kind `uniform`: tokens are selected at a rate drawn from [0, 1) for each row, and all are
    replaced by the mask. starts: (V,) whether a token begins a word. vocabulary_size: V.
    """

    kind: str
    rate: float
    seed: int
    mask_id: int
    end_id: int
    vocabulary_size: int
    starts: Tensor

    def __call__(self, model: PreTrainedModel, inputs_BxT: Tensor, labels_BxT: Tensor, step: int) -> Tensor:
        """Return the mean cross-entropy over the masked tokens, in nats; labels of -100 are never masked."""
        masked_BxT, targets_BxT = self.mask_batch(inputs_BxT, labels_BxT, step)
        attention_BxT = attention_mask(inputs_BxT, self.end_id)
        if head_loss.has_linear_head(model):
            hidden_BxTxD = head_loss.hidden_states(model, masked_BxT, attention_BxT)
            head_VxD = model.get_output_embeddings().weight
            return head_loss.head_cross_entropy(hidden_BxTxD.flatten(0, 1), head_VxD, targets_BxT.flatten())
        logits_BxTxV = model(input_ids=masked_BxT, attention_mask=attention_BxT, use_cache=False).logits
        total = torch.nn.functional.cross_entropy(
            logits_BxTxV.flatten(0, 1).float(), targets_BxT.flatten(), ignore_index=IGNORE, reduction="sum"
        )
        return total / (targets_BxT != IGNORE).sum().clamp(min=1)

    def mask_batch(self, inputs_BxT: Tensor, labels_BxT: Tensor, step: int) -> tuple[Tensor, Tensor]:
        """Return the masked inputs and the targets (IGNORE elsewhere) of a step, (B, T) each."""
        rng, shape, device = np.random.default_rng([self.seed, 11, step]), inputs_BxT.shape, inputs_BxT.device
        select_BxT, replace_BxT = (torch.from_numpy(rng.random(shape)).to(device) for _ in range(2))
        random_BxT = torch.from_numpy(rng.integers(0, self.vocabulary_size, shape)).to(device)
        is_mask_BxT, has_label_BxT = inputs_BxT == self.mask_id, labels_BxT != IGNORE
        selectable_BxT = has_label_BxT & (inputs_BxT != self.end_id) & ~is_mask_BxT
        if self.kind == "uniform":
            rate_Bx1 = torch.from_numpy(rng.random((shape[0], 1))).to(device)
            selected_BxT = selectable_BxT & (select_BxT < rate_Bx1)
            masked_BxT = inputs_BxT.masked_fill(selected_BxT, self.mask_id)
        else:
            selected_BxT = selectable_BxT & (select_BxT.gather(1, self._word_start(inputs_BxT)) < self.rate)
            to_mask_BxT = selected_BxT & (replace_BxT >= UNCHANGED_SHARE + RANDOM_SHARE)
            masked_BxT = inputs_BxT.masked_fill(to_mask_BxT, self.mask_id)
            masked_BxT = torch.where(selected_BxT & (replace_BxT < RANDOM_SHARE), random_BxT, masked_BxT)
        is_target_BxT = selected_BxT | (is_mask_BxT & has_label_BxT)
        return masked_BxT, labels_BxT.masked_fill(~is_target_BxT, IGNORE)

    def _word_start(self, inputs_BxT: Tensor) -> Tensor:
        """Return for each token the index of the first token of its word, (B, T)."""
        index_BxT = torch.arange(inputs_BxT.shape[1], device=inputs_BxT.device).expand_as(inputs_BxT)
        return torch.where(self.starts.to(inputs_BxT.device)[inputs_BxT], index_BxT, 0).cummax(1).values


def build(settings: TrainConfig, tokenizer: PreTrainedTokenizerBase, seed: int) -> Objective:
    """Return the `masked` or `uniform` objective over the vocabulary of a tokenizer that has a mask token."""
    end, size, starts = int(tokenizer.eos_token_id), len(tokenizer), word_starts(tokenizer)
    return Objective(settings.objective, settings.mask_rate, seed, mask_id(tokenizer), end, size, starts)


def word_starts(tokenizer: PreTrainedTokenizerBase) -> Tensor:
    """Return (V,) whether a token begins a word: after a space, as a punctuation mark, or as a special token."""
    tokens = tokenizer.convert_ids_to_tokens(list(range(len(tokenizer))))
    special = set(tokenizer.all_special_tokens)
    return torch.tensor([t in special or t.startswith("Ġ") or not t[:1].isalnum() for t in tokens])
