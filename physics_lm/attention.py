"""Causal attention for models in training: in place on a CPU, by the device's fused kernels on a GPU."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn
from transformers import AttentionInterface, PreTrainedModel
from transformers.masking_utils import AttentionMaskInterface, eager_mask

PLACED, FLASH, CUDNN, PLAIN = "placed", "scoreless", "cudnn", "plain"  # names that transformers knows them by


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


def flash(
    module: nn.Module,
    query_BxHxTxD: Tensor,
    key_BxGxTxD: Tensor,
    value_BxGxTxD: Tensor,
    attention_mask: Tensor | None,
    scaling: float,
    dropout: float = 0.0,
    **_: Any,
) -> tuple[Tensor, None]:
    """Attend to every token before, in bf16, by a GPU's kernel that keeps no scores; D is a multiple of 8.

    For training alone, as `plain`. The kernel is named: under vmap, torch's own choice takes one whose derivative it
    then cannot compute.
    """
    key_BxHxTxD, value_BxHxTxD = (_spread(x, query_BxHxTxD.shape[1]) for x in (key_BxGxTxD, value_BxGxTxD))
    heads = [x.to(torch.bfloat16) for x in (query_BxHxTxD, key_BxHxTxD, value_BxHxTxD)]
    share = dropout if module.training else 0.0
    found_BxHxTxD = torch.ops.aten._scaled_dot_product_flash_attention(*heads, share, True, scale=scaling)[0]
    return found_BxHxTxD.transpose(1, 2).contiguous(), None


def cudnn(
    module: nn.Module,
    query_BxHxTxD: Tensor,
    key_BxGxTxD: Tensor,
    value_BxGxTxD: Tensor,
    attention_mask: Tensor | None,
    scaling: float,
    dropout: float = 0.0,
    **_: Any,
) -> tuple[Tensor, None]:
    """Attend as `flash`, by cuDNN's kernel, which is the faster one from Hopper on."""
    key_BxHxTxD, value_BxHxTxD = (_spread(x, query_BxHxTxD.shape[1]) for x in (key_BxGxTxD, value_BxGxTxD))
    heads = [x.to(torch.bfloat16) for x in (query_BxHxTxD, key_BxHxTxD, value_BxHxTxD)]
    share = dropout if module.training else 0.0
    kernel = torch.ops.aten._scaled_dot_product_cudnn_attention
    found_BxHxTxD = kernel(*heads, None, True, share, True, scale=scaling)[0]
    return found_BxHxTxD.transpose(1, 2).contiguous(), None


def plain(
    module: nn.Module,
    query_BxHxTxD: Tensor,
    key_BxGxTxD: Tensor,
    value_BxGxTxD: Tensor,
    attention_mask: Tensor | None,
    scaling: float,
    dropout: float = 0.0,
    **_: Any,
) -> tuple[Tensor, None]:
    """Attend to every token before by plain operations.

    For training alone: no mask is made or read (so that the host need not look whether one could be left out), rows
    hold no padding on the left, and nothing was read before them.
    """
    key_BxHxTxD, value_BxHxTxD = (_spread(x, query_BxHxTxD.shape[1]) for x in (key_BxGxTxD, value_BxGxTxD))
    scores_BxHxTxT = (query_BxHxTxD * scaling) @ key_BxHxTxD.mT
    later_TxT = torch.ones(scores_BxHxTxT.shape[-2:], dtype=torch.bool, device=scores_BxHxTxT.device).triu(1)
    weights_BxHxTxT = scores_BxHxTxT.masked_fill(later_TxT, -torch.inf).softmax(-1)
    weights_BxHxTxT = nn.functional.dropout(weights_BxHxTxT, dropout, module.training)
    return (weights_BxHxTxT.to(value_BxHxTxD.dtype) @ value_BxHxTxD).transpose(1, 2).contiguous(), None


def _spread(heads_BxGxTxD: Tensor, many: int) -> Tensor:
    """Repeat key or value heads that several of `many` query heads share."""
    shared = many // heads_BxGxTxD.shape[1]
    return heads_BxGxTxD if shared == 1 else heads_BxGxTxD.repeat_interleave(shared, 1)


@contextmanager
def fusing(model: PreTrainedModel, where: torch.device, precision: str) -> Iterator[None]:
    """Let a causal model in training on a GPU attend by `flash` or `plain`; afterwards it attends as before."""
    settings = model.config
    own = settings._attn_implementation
    causal = getattr(settings, "is_causal", True) and getattr(settings, "sliding_window", None) is None
    if where.type != "cuda" or not causal:
        yield
        return
    fits = precision == "bf16" and settings.hidden_size // settings.num_attention_heads % 8 == 0
    model.set_attn_implementation(_kernel() if fits else PLAIN)
    try:
        yield
    finally:
        model.set_attn_implementation(own)


def _kernel() -> str:
    """Return the attention without scores that is fastest on the GPU here."""
    return CUDNN if torch.cuda.is_available() and torch.cuda.get_device_capability() >= (9, 0) else FLASH


AttentionInterface.register(PLACED, placed)  # type: ignore[no-untyped-call]
AttentionMaskInterface.register(PLACED, eager_mask)  # type: ignore[no-untyped-call]
AttentionInterface.register(FLASH, flash)  # type: ignore[no-untyped-call]
AttentionInterface.register(CUDNN, cudnn)  # type: ignore[no-untyped-call]
AttentionInterface.register(PLAIN, plain)  # type: ignore[no-untyped-call]
