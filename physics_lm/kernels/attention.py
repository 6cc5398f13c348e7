"""Attention kernels for models in training: an in-place one for CPUs, and causal ones for GPUs.

Every kernel takes queries, keys and values (B, H, T, D), a mask that is added to the scores (or None), the scaling and
the dropout probability, and returns (B, H, T, D).
"""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional
from transformers import AttentionInterface, PreTrainedConfig, PreTrainedModel
from transformers.masking_utils import AttentionMaskInterface, eager_mask

IN_PLACE, FLASH, CUDNN, CAUSAL = "placed", "scoreless", "cudnn", "plain"  # names registered with transformers
Kernel = Callable[[Tensor, Tensor, Tensor, Tensor | None, float, float], Tensor]


def in_place(query: Tensor, key: Tensor, value: Tensor, mask: Tensor | None, scaling: float, dropout: float) -> Tensor:
    """Compute what transformers' eager attention does, in place and without conversion to fp32."""
    scores_BxHxTxT = (query * scaling) @ key.mT
    if mask is not None:
        scores_BxHxTxT = scores_BxHxTxT.add_(mask.to(scores_BxHxTxT.dtype))
    with torch.autocast(scores_BxHxTxT.device.type, enabled=False):
        weights_BxHxTxT = scores_BxHxTxT.softmax(-1)
    return functional.dropout(weights_BxHxTxT, dropout).to(value.dtype) @ value


def causal(query: Tensor, key: Tensor, value: Tensor, mask: Tensor | None, scaling: float, dropout: float) -> Tensor:
    """Compute causal attention by plain operations.

    For training only: the mask is ignored (reading it would make the host wait), so rows must not be padded on the
    left, and there must be no key-value cache.
    """
    scores_BxHxTxT = (query * scaling) @ key.mT
    later_TxT = torch.ones(scores_BxHxTxT.shape[-2:], dtype=torch.bool, device=scores_BxHxTxT.device).triu(1)
    weights_BxHxTxT = scores_BxHxTxT.masked_fill(later_TxT, -torch.inf).softmax(-1)
    return functional.dropout(weights_BxHxTxT, dropout).to(value.dtype) @ value


def flash(query: Tensor, key: Tensor, value: Tensor, mask: Tensor | None, scaling: float, dropout: float) -> Tensor:
    """Compute what `causal` does, in bf16 by the flash kernel, which stores no scores; D is a multiple of 8.

    The kernel is called by name: under vmap, torch's own choice is a kernel whose derivative it cannot compute.
    """
    heads = [x.to(torch.bfloat16) for x in (query, key, value)]
    output: Tensor = torch.ops.aten._scaled_dot_product_flash_attention(*heads, dropout, True, scale=scaling)[0]
    return output


def cudnn(query: Tensor, key: Tensor, value: Tensor, mask: Tensor | None, scaling: float, dropout: float) -> Tensor:
    """Compute what `flash` does by cuDNN's kernel, which is faster on Hopper GPUs and newer ones."""
    heads = [x.to(torch.bfloat16) for x in (query, key, value)]
    kernel = torch.ops.aten._scaled_dot_product_cudnn_attention
    output: Tensor = kernel(*heads, None, True, dropout, True, scale=scaling)[0]
    return output


@contextmanager
def _implementation(model: PreTrainedModel, name: str) -> Iterator[None]:
    """Let the model use an attention implementation within the context."""
    before = model.config._attn_implementation
    model.set_attn_implementation(name)
    try:
        yield
    finally:
        model.set_attn_implementation(before)


def training_attention(model: PreTrainedModel, device: torch.device, precision: str) -> AbstractContextManager[None]:
    """Return a context in which a causal model on a GPU uses the fastest kernel for training."""
    config = model.config
    is_causal = getattr(config, "is_causal", True) and getattr(config, "sliding_window", None) is None
    if device.type != "cuda" or not is_causal:
        return nullcontext()
    hopper = torch.cuda.is_available() and torch.cuda.get_device_capability() >= (9, 0)
    return _implementation(model, fastest_kernel(config, hopper) if precision == "bf16" else CAUSAL)


def fastest_kernel(config: PreTrainedConfig, hopper: bool) -> str:
    """Return the fastest bf16 kernel on a GPU that supports the model's head width and dropout.

    cuDNN's kernel takes heads of at most 128 features, and rounds the dropout probability to sixteenths.
    """
    size = config.hidden_size // config.num_attention_heads
    has_dropout = any(getattr(config, name, 0) for name in ("attention_dropout", "attn_pdrop"))
    if size % 8 or size > 256:
        return CAUSAL
    return CUDNN if hopper and size <= 128 and not has_dropout else FLASH


def evaluation_attention(model: PreTrainedModel) -> AbstractContextManager[None]:
    """Return a context within `training_attention` in which a model uses torch's attention in its weights' dtype."""
    in_training = model.config._attn_implementation in (FLASH, CUDNN, CAUSAL)
    return _implementation(model, "sdpa") if in_training else nullcontext()


def _register(name: str, kernel: Kernel) -> None:
    """Register a kernel with transformers; each of G key and value heads is repeated to match H query heads."""

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
        repeats = query_BxHxTxD.shape[1] // key_BxGxTxD.shape[1]
        key_BxHxTxD, value_BxHxTxD = (
            heads if repeats == 1 else heads.repeat_interleave(repeats, 1) for heads in (key_BxGxTxD, value_BxGxTxD)
        )
        probability = dropout if module.training else 0.0
        output_BxHxTxD = kernel(query_BxHxTxD, key_BxHxTxD, value_BxHxTxD, attention_mask, scaling, probability)
        return output_BxHxTxD.transpose(1, 2).contiguous(), None

    AttentionInterface.register(name, attend)  # type: ignore[no-untyped-call]


AttentionMaskInterface.register(IN_PLACE, eager_mask)  # type: ignore[no-untyped-call]
for name, kernel in ((IN_PLACE, in_place), (FLASH, flash), (CUDNN, cudnn), (CAUSAL, causal)):
    _register(name, kernel)
