"""Causal attention for models in training: in place on a CPU, by the device's fused kernels on a GPU."""

from typing import Any

import torch
from torch import Tensor, nn
from transformers import AttentionInterface, PreTrainedModel
from transformers.masking_utils import AttentionMaskInterface, eager_mask

PLACED, FUSED = "placed", "fused"  # names that transformers knows them by


def placed(
    module: nn.Module,
    query_BxHxTxD: Tensor,
    key_BxGxTxD: Tensor,
    value_BxGxTxD: Tensor,
    attention_mask: Tensor | None,
    scaling: float,
    dropout: float = 0.0,
    **_: Any,
) -> tuple[Tensor, None]:
    """Attend as transformers' eager function does, in place and without a detour over fp32; G divides H."""
    key_BxHxTxD, value_BxHxTxD = (_spread(x, query_BxHxTxD.shape[1]) for x in (key_BxGxTxD, value_BxGxTxD))
    scores_BxHxTxT = (query_BxHxTxD * scaling) @ key_BxHxTxD.mT
    if attention_mask is not None:
        scores_BxHxTxT = scores_BxHxTxT.add_(attention_mask.to(scores_BxHxTxT.dtype))
    with torch.autocast(scores_BxHxTxT.device.type, enabled=False):
        weights_BxHxTxT = scores_BxHxTxT.softmax(-1)
    weights_BxHxTxT = nn.functional.dropout(weights_BxHxTxT, dropout, module.training)
    return (weights_BxHxTxT.to(value_BxHxTxD.dtype) @ value_BxHxTxD).transpose(1, 2).contiguous(), None


def fused(
    module: nn.Module,
    query_BxHxTxD: Tensor,
    key_BxGxTxD: Tensor,
    value_BxGxTxD: Tensor,
    attention_mask: Tensor | None,
    scaling: float | None = None,
    dropout: float = 0.0,
    **_: Any,
) -> tuple[Tensor, None]:
    """Attend to every token before by torch's fused attention; no mask is made or read, so rows hold no left padding.

    transformers asks for none here, and need not look on the host whether it could be left out.
    """
    key_BxHxTxD, value_BxHxTxD = (_spread(x, query_BxHxTxD.shape[1]) for x in (key_BxGxTxD, value_BxGxTxD))
    found_BxHxTxD = nn.functional.scaled_dot_product_attention(
        query_BxHxTxD,
        key_BxHxTxD,
        value_BxHxTxD,
        dropout_p=dropout if module.training else 0.0,
        is_causal=True,
        scale=scaling,
    )
    return found_BxHxTxD.transpose(1, 2).contiguous(), None


def _spread(heads_BxGxTxD: Tensor, many: int) -> Tensor:
    """Repeat key or value heads that several of `many` query heads share."""
    shared = many // heads_BxGxTxD.shape[1]
    return heads_BxGxTxD if shared == 1 else heads_BxGxTxD.repeat_interleave(shared, 1)


def fuse(model: PreTrainedModel) -> None:
    """Let a causal model in training on a GPU use the fused kernels, in place."""
    if getattr(model.config, "sliding_window", None) is None:
        model.set_attn_implementation(FUSED)


AttentionInterface.register(PLACED, placed)  # type: ignore[no-untyped-call]
AttentionMaskInterface.register(PLACED, eager_mask)  # type: ignore[no-untyped-call]
AttentionInterface.register(FUSED, fused)  # type: ignore[no-untyped-call]
