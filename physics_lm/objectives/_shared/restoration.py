"""Restoring masked tokens from both sides: what the objectives of a bidirectional model share (Part 3.1, section 6).

They need full attention; `causality` says how a model gets it.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from transformers import PreTrainedModel, PreTrainedTokenizerBase

from physics_lm.data.batches import IGNORE, INPUTS, LABELS
from physics_lm.data.mask_token import mask_id
from physics_lm.kernels import head_loss


@dataclass(frozen=True)
class Draws:
    """What a step draws, (B, T) each: two uniform numbers per token and a random token; rng: for more."""

    rng: np.random.Generator
    select_BxT: Tensor
    replace_BxT: Tensor
    random_BxT: Tensor


def attention_mask(ids_BxT: Tensor, end_id: int) -> Tensor:
    """Return the (B, T) attention mask: 0 for the end tokens that pad a row, except for the first of them."""
    last_B = ids_BxT.shape[1] - 1 - (ids_BxT != end_id).long().flip(1).argmax(1)
    return (torch.arange(ids_BxT.shape[1], device=ids_BxT.device) <= last_B[:, None] + 1).long()


@dataclass(frozen=True)
class Restoration:
    """The loss of restoring masked tokens; the masks of a step depend on the seed and the step only.

    Only tokens with a label are selected. Tokens that are masks already (a question's answer) are always targets.
    select: which tokens an objective selects, and what replaces them. rate: of whole words, where the objective has
    one. starts: (V,) whether a token begins a word. vocabulary_size: V.
    """

    select: Callable[["Restoration", Tensor, Tensor, Draws], tuple[Tensor, Tensor]]
    rate: float
    seed: int
    mask_id: int
    end_id: int
    vocabulary_size: int
    starts: Tensor

    def __call__(self, model: PreTrainedModel, batch: Mapping[str, Tensor], step: int) -> Tensor:
        """Return the mean cross-entropy over the masked tokens, in nats; labels of -100 are never masked."""
        inputs_BxT = batch[INPUTS]
        masked_BxT, targets_BxT = self.mask_batch(inputs_BxT, batch[LABELS], step)
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
        draws = Draws(rng, select_BxT, replace_BxT, random_BxT)
        selected_BxT, masked_BxT = self.select(self, inputs_BxT, selectable_BxT, draws)
        is_target_BxT = selected_BxT | (is_mask_BxT & has_label_BxT)
        return masked_BxT, labels_BxT.masked_fill(~is_target_BxT, IGNORE)

    def word_start(self, inputs_BxT: Tensor) -> Tensor:
        """Return for each token the index of the first token of its word, (B, T)."""
        index_BxT = torch.arange(inputs_BxT.shape[1], device=inputs_BxT.device).expand_as(inputs_BxT)
        return torch.where(self.starts.to(inputs_BxT.device)[inputs_BxT], index_BxT, 0).cummax(1).values


def build(
    select: Callable[[Restoration, Tensor, Tensor, Draws], tuple[Tensor, Tensor]],
    rate: float,
    tokenizer: PreTrainedTokenizerBase,
    seed: int,
) -> Restoration:
    """Return the loss over the vocabulary of a tokenizer that has a mask token."""
    end, size, starts = int(tokenizer.eos_token_id), len(tokenizer), word_starts(tokenizer)
    return Restoration(select, rate, seed, mask_id(tokenizer), end, size, starts)


def word_starts(tokenizer: PreTrainedTokenizerBase) -> Tensor:
    """Return (V,) whether a token begins a word: after a space, as a punctuation mark, or as a special token."""
    tokens = tokenizer.convert_ids_to_tokens(list(range(len(tokenizer))))
    special = set(tokenizer.all_special_tokens)
    return torch.tensor([t in special or t.startswith("Ġ") or not t[:1].isalnum() for t in tokens])
