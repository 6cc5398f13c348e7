"""Tokens are masked at a rate drawn anew for every row from [0, 1), and restored from both sides (2406.05183)."""

from typing import TYPE_CHECKING

from physics_lm.config.training import TrainConfig
from physics_lm.data import mask_token

if TYPE_CHECKING:
    from torch import Tensor
    from transformers import PreTrainedTokenizerBase

    from physics_lm.objectives import Loss
    from physics_lm.objectives._shared.restoration import Draws, Restoration

BIDIRECTIONAL, SPLITS = True, False

extend = mask_token.extend


def answer_mask(tokenizer: "PreTrainedTokenizerBase") -> None:
    """An answer is masked as all else is."""


def select(
    restoration: "Restoration", inputs_BxT: "Tensor", selectable_BxT: "Tensor", draws: "Draws"
) -> tuple["Tensor", "Tensor"]:
    """Return which tokens are selected and the masked inputs, (B, T) each."""
    import torch

    rate_Bx1 = torch.from_numpy(draws.rng.random((inputs_BxT.shape[0], 1))).to(inputs_BxT.device)
    selected_BxT = selectable_BxT & (draws.select_BxT < rate_Bx1)
    return selected_BxT, inputs_BxT.masked_fill(selected_BxT, restoration.mask_id)


def build(config: TrainConfig, tokenizer: "PreTrainedTokenizerBase", seed: int) -> "Loss":
    """Return the loss of restoring the masked tokens."""
    from physics_lm.objectives._shared import restoration

    return restoration.build(select, config.mask_rate, tokenizer, seed)
