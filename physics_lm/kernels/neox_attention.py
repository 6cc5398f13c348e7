"""GPT-NeoX's attention as one function with its derivative by hand, for training on a CPU.

Turning queries and keys by their places, a quarter of each head, costs the model's own code more there than the
products of attention: in copies of narrow slices, forward and back.
"""

from typing import Any

import torch
from torch import Tensor, nn
from torch.autograd.function import FunctionCtx
from transformers import Cache
from transformers.models.gpt_neox.modeling_gpt_neox import GPTNeoXAttention


class _Attend(torch.autograd.Function):
    """Attention of H heads of width D: queries, keys and values (..., T, H, 3 D) to what is read (..., T, H D)."""

    @staticmethod
    def forward(  # type: ignore[override]
        mixed: Tensor, cosine: Tensor, sine: Tensor, mask: Tensor | None, scaling: float
    ) -> tuple[Tensor, Tensor, Tensor]:
        apart = mixed.reshape(*mixed.shape[:-1], 3, -1).movedim(-2, 0)
        heads = apart.transpose(-3, -2).contiguous()  # (3, ..., H, T, D)
        _turn(heads[:2], cosine, sine)
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
        ctx.set_materialize_grads(False)  # none of zeros is made for them
        ctx.save_for_backward(*output[1:], *inputs[1:3])
        ctx.scaling = inputs[4]  # type: ignore[attr-defined]

    @staticmethod
    def backward(ctx: Any, grad: Tensor, *_: Tensor) -> tuple[Tensor | None, ...]:  # type: ignore[override]
        heads, weights, cosine, sine = ctx.saved_tensors
        query, key, value = heads
        grad = grad.reshape(*grad.shape[:-1], query.shape[-3], query.shape[-1]).transpose(-3, -2)
        found = torch.empty_like(heads)
        scores = torch._softmax_backward_data(grad @ value.mT, weights, -1, weights.dtype)
        torch.matmul(scores, key, out=found[0]).mul_(ctx.scaling)
        torch.matmul(scores.mT, query, out=found[1])
        torch.matmul(weights.mT, grad, out=found[2])
        _turn(found[:2], cosine, -sine)
        return found.transpose(-3, -2).movedim(0, -2).flatten(-2), None, None, None, None

    @staticmethod
    def vmap(info: Any, in_dims: tuple[int | None, ...], *inputs: Any) -> tuple[tuple[Tensor, ...], tuple[int, ...]]:
        ahead = [x if dim is None else x.movedim(dim, 0) for x, dim in zip(inputs, in_dims, strict=True)]
        return _Attend.apply(*ahead), (0, 1, 0)  # type: ignore[no-untyped-call]


def _turn(heads: Tensor, cosine: Tensor, sine: Tensor) -> None:
    """Turn the first R of D features by their places, in place. heads: (..., T, D); cosine, sine: (..., 1, T, R)."""
    size = sine.shape[-1]
    signed = torch.cat([-sine[..., : size // 2], sine[..., size // 2 :]], -1)
    plain = heads[..., :size].float()
    heads[..., :size] = (plain * cosine).addcmul_(plain.roll(size // 2, -1), signed)


class Attention(GPTNeoXAttention):  # type: ignore[misc]
    """The attention of a model in training on a CPU: nothing is dropped, and nothing was read before."""

    def forward(
        self,
        hidden_states: Tensor,
        attention_mask: Tensor | None,
        layer_past: Cache | None = None,
        position_embeddings: tuple[Tensor, Tensor] | None = None,
        **rest: Any,
    ) -> tuple[Tensor, Tensor | None]:
        """Return what `GPTNeoXAttention` does, (B, T, H D), and no weights."""
        if layer_past is not None or position_embeddings is None or (self.training and self.attention_dropout):
            found: tuple[Tensor, Tensor | None] = super().forward(
                hidden_states, attention_mask, layer_past, position_embeddings, **rest
            )
            return found
        mixed = self.query_key_value(hidden_states).unflatten(-1, (-1, 3 * self.head_size))
        turn = [part.unsqueeze(-3) for part in position_embeddings]
        attended: Tensor = _Attend.apply(mixed, *turn, attention_mask, self.scaling)[0]  # type: ignore[no-untyped-call]
        return self.dense(attended), None


def prepare(model: nn.Module) -> None:
    """Let the attentions of a GPT-NeoX in training be these, in place; their weights stay where they are."""
    for module in model.modules():
        if type(module) is GPTNeoXAttention:
            module.__class__ = Attention
