"""Causal attention for models in training: in place on a CPU, by the device's own kernels on a GPU.

Every kernel takes queries, keys and values (B, H, T, D), what is added to the scores (or None), the scaling and the
share of weights that is dropped, and returns (B, H, T, D).
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import dropout as dropped
from transformers import AttentionInterface, PreTrainedConfig, PreTrainedModel
from transformers.masking_utils import AttentionMaskInterface, eager_mask

PLACED, FLASH, CUDNN, PLAIN = "placed", "scoreless", "cudnn", "plain"  # names that transformers knows them by
Kernel = Callable[[Tensor, Tensor, Tensor, Tensor | None, float, float], Tensor]


def placed(query: Tensor, key: Tensor, value: Tensor, mask: Tensor | None, scaling: float, share: float) -> Tensor:
    """Attend as transformers' eager function does, in place and without a detour over fp32."""
    scores_BxHxTxT = (query * scaling) @ key.mT
    if mask is not None:
        scores_BxHxTxT = scores_BxHxTxT.add_(mask.to(scores_BxHxTxT.dtype))
    with torch.autocast(scores_BxHxTxT.device.type, enabled=False):
        weights_BxHxTxT = scores_BxHxTxT.softmax(-1)
    return dropped(weights_BxHxTxT, share).to(value.dtype) @ value


def plain(query: Tensor, key: Tensor, value: Tensor, mask: Tensor | None, scaling: float, share: float) -> Tensor:
    """Attend to every token before by plain operations.

    For training alone: no mask is made or read (so that the host need not look whether one could be left out), rows
    hold no padding on the left, and nothing was read before them.
    """
    scores_BxHxTxT = (query * scaling) @ key.mT
    later_TxT = torch.ones(scores_BxHxTxT.shape[-2:], dtype=torch.bool, device=scores_BxHxTxT.device).triu(1)
    weights_BxHxTxT = scores_BxHxTxT.masked_fill(later_TxT, -torch.inf).softmax(-1)
    return dropped(weights_BxHxTxT, share).to(value.dtype) @ value


def flash(query: Tensor, key: Tensor, value: Tensor, mask: Tensor | None, scaling: float, share: float) -> Tensor:
    """Attend as `plain`, in bf16, by a GPU's kernel that keeps no scores; D is a multiple of 8.

    The kernel is named: under vmap, torch's own choice takes one whose derivative it then cannot compute.
    """
    heads = [x.to(torch.bfloat16) for x in (query, key, value)]
    found: Tensor = torch.ops.aten._scaled_dot_product_flash_attention(*heads, share, True, scale=scaling)[0]
    return found


def cudnn(query: Tensor, key: Tensor, value: Tensor, mask: Tensor | None, scaling: float, share: float) -> Tensor:
    """Attend as `flash`, by cuDNN's kernel, which is the faster one from Hopper on."""
    heads = [x.to(torch.bfloat16) for x in (query, key, value)]
    kernel = torch.ops.aten._scaled_dot_product_cudnn_attention
    found: Tensor = kernel(*heads, None, True, share, True, scale=scaling)[0]
    return found


@contextmanager
def fusing(model: PreTrainedModel, where: torch.device, precision: str) -> Iterator[None]:
    """Let a causal model in training on a GPU attend by `flash` or `plain`; afterwards it attends as before."""
    settings = model.config
    own = settings._attn_implementation
    causal = getattr(settings, "is_causal", True) and getattr(settings, "sliding_window", None) is None
    if where.type != "cuda" or not causal:
        yield
        return
    hopper = torch.cuda.is_available() and torch.cuda.get_device_capability() >= (9, 0)
    model.set_attn_implementation(chosen(settings, hopper) if precision == "bf16" else PLAIN)
    try:
        yield
    finally:
        model.set_attn_implementation(own)


def chosen(settings: PreTrainedConfig, hopper: bool) -> str:
    """Return the fastest attention for heads of a size and a share of dropout, in bf16 on a GPU.

    cuDNN's takes heads of 128 at most, and rounds a share to sixteenths.
    """
    size = settings.hidden_size // settings.num_attention_heads
    drops = any(getattr(settings, name, 0) for name in ("attention_dropout", "attn_pdrop"))
    if size % 8 or size > 256:
        return PLAIN
    return CUDNN if hopper and size <= 128 and not drops else FLASH


@contextmanager
def resting(model: PreTrainedModel) -> Iterator[None]:
    """Let a model in training be asked meanwhile: by torch's own attention, in the precision of its weights."""
    kernel = model.config._attn_implementation
    if kernel not in (FLASH, CUDNN, PLAIN):
        yield
        return
    model.set_attn_implementation("sdpa")
    try:
        yield
    finally:
        model.set_attn_implementation(kernel)


def _register(name: str, kernel: Kernel) -> None:
    """Let models attend by a kernel; G key and value heads, where there are fewer, are repeated for H query heads."""

    def attend(
        module: nn.Module,
        query_BxHxTxD: Tensor,
        key_BxGxTxD: Tensor,
        value_BxGxTxD: Tensor,
        attention_mask: Tensor | None,
        scaling: float,
        dropout: float = 0.0,
        **_: Any,
    ) -> tuple[Tensor, None]:
        key_BxHxTxD, value_BxHxTxD = (_spread(x, query_BxHxTxD.shape[1]) for x in (key_BxGxTxD, value_BxGxTxD))
        share = dropout if module.training else 0.0
        found_BxHxTxD = kernel(query_BxHxTxD, key_BxHxTxD, value_BxHxTxD, attention_mask, scaling, share)
        return found_BxHxTxD.transpose(1, 2).contiguous(), None

    AttentionInterface.register(name, attend)  # type: ignore[no-untyped-call]


def _spread(heads_BxGxTxD: Tensor, many: int) -> Tensor:
    shared = many // heads_BxGxTxD.shape[1]
    return heads_BxGxTxD if shared == 1 else heads_BxGxTxD.repeat_interleave(shared, 1)


AttentionMaskInterface.register(PLACED, eager_mask)  # type: ignore[no-untyped-call]
for name, kernel in ((PLACED, placed), (FLASH, flash), (CUDNN, cudnn), (PLAIN, plain)):
    _register(name, kernel)
