"""GPT-NeoX attention as one function with a handwritten derivative, for training on a CPU.

There the rotary embedding, which rotates a quarter of the features of each query and key, costs transformers' code more
than the matrix products of attention do: it copies narrow slices in the forward and the backward pass.
"""

from typing import Any

import torch
from torch import Tensor, nn
from torch.autograd.function import FunctionCtx
from transformers import Cache
from transformers.models.gpt_neox.modeling_gpt_neox import GPTNeoXAttention


class _RotaryAttention(torch.autograd.Function):
    """Rotary attention of H heads of width D: queries, keys and values (..., T, H, 3 D) to outputs (..., T, H D)."""

    @staticmethod
    def forward(  # type: ignore[override]
        qkv: Tensor, cosine: Tensor, sine: Tensor, mask: Tensor | None, scaling: float
    ) -> tuple[Tensor, Tensor, Tensor]:
        heads = qkv.reshape(*qkv.shape[:-1], 3, -1).movedim(-2, 0).transpose(-3, -2).contiguous()  # (3, ..., H, T, D)
        _rotate(heads[:2], cosine, sine)
        query, key, value = heads
        scores = query.mul_(scaling) @ key.mT
        if mask is not None:
            scores.add_(mask.to(scores.dtype))
        with torch.autocast("cpu", enabled=False):
            weights = scores.softmax(-1)
        return (weights @ value).transpose(-3, -2).flatten(-2), heads, weights

    @staticmethod
    def setup_context(ctx: FunctionCtx, inputs: tuple[Any, ...], output: tuple[Tensor, ...]) -> None:
        ctx.mark_non_differentiable(*output[1:])
        ctx.set_materialize_grads(False)  # no zero gradients for the outputs without a derivative
        ctx.save_for_backward(*output[1:], *inputs[1:3])
        ctx.scaling = inputs[4]  # type: ignore[attr-defined]

    @staticmethod
    def backward(ctx: Any, grad: Tensor, *_: Tensor) -> tuple[Tensor | None, ...]:  # type: ignore[override]
        heads, weights, cosine, sine = ctx.saved_tensors
        query, key, value = heads
        grad = grad.reshape(*grad.shape[:-1], query.shape[-3], query.shape[-1]).transpose(-3, -2)
        head_grads = torch.empty_like(heads)
        score_grads = torch._softmax_backward_data(grad @ value.mT, weights, -1, weights.dtype)
        torch.matmul(score_grads, key, out=head_grads[0]).mul_(ctx.scaling)
        torch.matmul(score_grads.mT, query, out=head_grads[1])
        torch.matmul(weights.mT, grad, out=head_grads[2])
        _rotate(head_grads[:2], cosine, -sine)
        return head_grads.transpose(-3, -2).movedim(0, -2).flatten(-2), None, None, None, None

    @staticmethod
    def vmap(info: Any, in_dims: tuple[int | None, ...], *inputs: Any) -> tuple[tuple[Tensor, ...], tuple[int, ...]]:
        batched = [x if dim is None else x.movedim(dim, 0) for x, dim in zip(inputs, in_dims, strict=True)]
        return _RotaryAttention.apply(*batched), (0, 1, 0)  # type: ignore[no-untyped-call]


def _rotate(heads: Tensor, cosine: Tensor, sine: Tensor) -> None:
    """Apply the rotary embedding to the first R of D features, in place.

    heads: (..., T, D). cosine, sine: (..., 1, T, R).
    """
    size = sine.shape[-1]
    signed_sine = torch.cat([-sine[..., : size // 2], sine[..., size // 2 :]], -1)
    features = heads[..., :size].float()
    heads[..., :size] = (features * cosine).addcmul_(features.roll(size // 2, -1), signed_sine)


class Attention(GPTNeoXAttention):  # type: ignore[misc]
    """GPT-NeoX attention by `_RotaryAttention`; dropout and key-value caches are left to transformers' code."""

    def forward(
        self,
        hidden_states: Tensor,
        attention_mask: Tensor | None,
        layer_past: Cache | None = None,
        position_embeddings: tuple[Tensor, Tensor] | None = None,
        **rest: Any,
    ) -> Any:
        """Return the output of `GPTNeoXAttention`, (B, T, H D), without attention weights."""
        if layer_past is not None or position_embeddings is None or (self.training and self.attention_dropout):
            return super().forward(hidden_states, attention_mask, layer_past, position_embeddings, **rest)
        qkv = self.query_key_value(hidden_states).unflatten(-1, (-1, 3 * self.head_size))
        cosine, sine = (table.unsqueeze(-3) for table in position_embeddings)
        output, *_ = _RotaryAttention.apply(qkv, cosine, sine, attention_mask, self.scaling)  # type: ignore[no-untyped-call]
        return self.dense(output), None


def replace_attention(model: nn.Module) -> None:
    """Turn every attention module of a GPT-NeoX into an `Attention`, in place; the weights stay where they are."""
    for module in model.modules():
        if type(module) is GPTNeoXAttention:
            module.__class__ = Attention
