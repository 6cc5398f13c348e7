"""Whole words are masked at a rate, and restored from both sides (Part 3.1, section 6).

Of the selected tokens 80% are replaced by the mask, 10% by a random token, and 10% stay.
"""

from typing import TYPE_CHECKING

from physics_lm.config.training import TrainConfig
from physics_lm.data import mask_token

if TYPE_CHECKING:
    from torch import Tensor
    from transformers import PreTrainedTokenizerBase

    from physics_lm.objectives import Loss
    from physics_lm.objectives._shared.restoration import Draws, Restoration

BIDIRECTIONAL, SPLITS = True, False
UNCHANGED_SHARE, RANDOM_SHARE = 0.1, 0.1  # of the selected tokens

extend = mask_token.extend
answer_mask = mask_token.mask_id


def select(
    restoration: "Restoration", inputs_BxT: "Tensor", selectable_BxT: "Tensor", draws: "Draws"
) -> tuple["Tensor", "Tensor"]:
    """Return which tokens are selected and the masked inputs, (B, T) each."""
    import torch

    word_start_BxT = restoration.word_start(inputs_BxT)
    selected_BxT = selectable_BxT & (draws.select_BxT.gather(1, word_start_BxT) < restoration.rate)
    to_mask_BxT = selected_BxT & (draws.replace_BxT >= UNCHANGED_SHARE + RANDOM_SHARE)
    masked_BxT = inputs_BxT.masked_fill(to_mask_BxT, restoration.mask_id)
    is_random_BxT = selected_BxT & (draws.replace_BxT < RANDOM_SHARE)
    return selected_BxT, torch.where(is_random_BxT, draws.random_BxT, masked_BxT)


def build(config: TrainConfig, tokenizer: "PreTrainedTokenizerBase", seed: int) -> "Loss":
    """Return the loss of restoring the selected tokens, at `mask_rate`."""
    from physics_lm.objectives._shared import restoration

    return restoration.build(select, config.mask_rate, tokenizer, seed)
