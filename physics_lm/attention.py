"""Causal attention for models in training: in place on a CPU, by the device's fused kernels on a GPU."""

from collections.abc import Iterator
from contextlib import contextmanager
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
    scaling: float,
    dropout: float = 0.0,
    **_: Any,
) -> tuple[Tensor, None]:
    """Attend to every token before, by a kernel that keeps no scores where the device has one.

    For training alone: no mask is made or read (so that the host need not look whether one could be left out), rows
    hold no padding on the left, and nothing was read before them.
    """
    key_BxHxTxD, value_BxHxTxD = (_spread(x, query_BxHxTxD.shape[1]) for x in (key_BxGxTxD, value_BxGxTxD))
    query_BxHxTxD, key_BxHxTxD = (x.to(value_BxHxTxD.dtype) for x in (query_BxHxTxD, key_BxHxTxD))
    heads = (query_BxHxTxD, key_BxHxTxD, value_BxHxTxD)
    share = dropout if module.training else 0.0
    half = value_BxHxTxD.dtype in (torch.bfloat16, torch.float16)
    if half and value_BxHxTxD.device.type == "cuda" and value_BxHxTxD.shape[-1] % 8 == 0:
        # by name: under vmap, torch's own choice takes a kernel whose derivative it then cannot compute
        found_BxHxTxD = torch.ops.aten._scaled_dot_product_flash_attention(*heads, share, True, scale=scaling)[0]
    else:
        found_BxHxTxD = _attend(*heads, scaling, share)
    return found_BxHxTxD.transpose(1, 2).contiguous(), None


def _attend(query_BxHxTxD: Tensor, key_BxHxTxD: Tensor, value_BxHxTxD: Tensor, scaling: float, share: float) -> Tensor:
    """Attend to every token before by plain operations."""
    scores_BxHxTxT = (query_BxHxTxD * scaling) @ key_BxHxTxD.mT
    later_TxT = torch.ones(scores_BxHxTxT.shape[-2:], dtype=torch.bool, device=scores_BxHxTxT.device).triu(1)
    weights_BxHxTxT = scores_BxHxTxT.masked_fill(later_TxT, -torch.inf).softmax(-1)
    weights_BxHxTxT = nn.functional.dropout(weights_BxHxTxT, share)
    return weights_BxHxTxT.to(value_BxHxTxD.dtype) @ value_BxHxTxD


def _spread(heads_BxGxTxD: Tensor, many: int) -> Tensor:
    """Repeat key or value heads that several of `many` query heads share."""
    shared = many // heads_BxGxTxD.shape[1]
    return heads_BxGxTxD if shared == 1 else heads_BxGxTxD.repeat_interleave(shared, 1)


@contextmanager
def fusing(model: PreTrainedModel, where: torch.device) -> Iterator[None]:
    """Let a causal model use `fused` on a GPU; afterwards it attends as before."""
    own = model.config._attn_implementation
    causal = getattr(model.config, "is_causal", True) and getattr(model.config, "sliding_window", None) is None
    if where.type != "cuda" or not causal:
        yield
        return
    model.set_attn_implementation(FUSED)
    try:
        yield
    finally:
        model.set_attn_implementation(own)


AttentionInterface.register(PLACED, placed)  # type: ignore[no-untyped-call]
AttentionMaskInterface.register(PLACED, eager_mask)  # type: ignore[no-untyped-call]
AttentionInterface.register(FUSED, fused)  # type: ignore[no-untyped-call]
