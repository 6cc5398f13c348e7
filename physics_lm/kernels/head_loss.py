"""The same functions as a model's own, in fewer passes over memory: what a training step on a CPU spends its time on.

A checkpoint never knows: only the modules of the model in training are changed, and its config stays as it was.
"""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn
from transformers import PreTrainedModel

from physics_lm.data.batches import IGNORE

PLAIN = ("gpt2", "gpt_neox", "llama", "mistral")  # their logits are the last hidden state times the head, no more
BLOCK = {"cpu": 2**20, "cuda": 2**28}  # logits at once: they stay in the processor's cache, or in the GPU's memory


Block = Callable[[Tensor, Tensor, Tensor], tuple[Tensor, Tensor]]


def placed_block(logits_CxV: Tensor, told_C: Tensor, count: Tensor) -> tuple[Tensor, Tensor]:
    """Return the sum of the losses of C rows over `count`, and the logits' gradient; in place where they are fp32."""
    type_, logits_CxV = logits_CxV.dtype, logits_CxV.float()
    learned_Cx1, told_Cx1 = (told_C != IGNORE)[:, None], told_C.clamp(min=0)[:, None]
    logits_CxV -= logits_CxV.amax(-1, keepdim=True)
    gold_Cx1 = logits_CxV.gather(1, told_Cx1)
    share_CxV = logits_CxV.exp_()
    sum_Cx1 = share_CxV.sum(-1, keepdim=True)
    weight_Cx1 = learned_Cx1 / count
    total = ((sum_Cx1.log() - gold_Cx1) * weight_Cx1).sum()
    share_CxV.mul_(weight_Cx1 / sum_Cx1).scatter_add_(1, told_Cx1, -weight_Cx1)
    return total, share_CxV.to(type_)


def block(logits_CxV: Tensor, told_C: Tensor, count: Tensor) -> tuple[Tensor, Tensor]:
    """Return the same by plain operations, for a compiler that joins them to one pass."""
    type_, logits_CxV = logits_CxV.dtype, logits_CxV.float()
    learned_Cx1, told_Cx1 = (told_C != IGNORE)[:, None], told_C.clamp(min=0)[:, None]
    below_CxV = logits_CxV - logits_CxV.amax(-1, keepdim=True)  # spelled out: `logsumexp` would be a pass of its own
    share_CxV = below_CxV.exp()
    sum_Cx1 = share_CxV.sum(-1, keepdim=True)
    weight_Cx1 = learned_Cx1 / count
    total = ((sum_Cx1.log() - below_CxV.gather(1, told_Cx1)) * weight_Cx1).sum()
    gold_CxV = torch.arange(logits_CxV.shape[1], device=told_C.device) == told_Cx1
    return total, ((share_CxV / sum_Cx1 - gold_CxV.float()) * weight_Cx1).to(type_)


class _HeadLoss(torch.autograd.Function):
    """Mean cross-entropy of `hidden head^T`, block by block: the logits are never kept, nor read twice."""

    @staticmethod
    def forward(ctx: Any, hidden_NxD: Tensor, head_VxD: Tensor, told_N: Tensor, block: Block) -> Tensor:  # type: ignore[override]
        count = (told_N != IGNORE).sum().clamp(min=1)
        grad_NxD = torch.empty_like(hidden_NxD)
        grad_VxD = torch.zeros_like(head_VxD, dtype=torch.float32)
        loss = torch.zeros((), device=hidden_NxD.device)
        rows = max(1, BLOCK.get(hidden_NxD.device.type, 2**20) // len(head_VxD))
        rows = 1 << (rows.bit_length() - 1)  # so that most blocks are of one size
        for start in range(0, len(hidden_NxD), rows):
            some_CxD = hidden_NxD[start : start + rows]
            part, share_CxV = block(some_CxD @ head_VxD.T, told_N[start : start + rows], count)
            loss += part
            grad_NxD[start : start + rows] = share_CxV @ head_VxD
            grad_VxD += share_CxV.T @ some_CxD
        ctx.save_for_backward(grad_NxD, grad_VxD)
        return loss

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, Tensor, None, None]:  # type: ignore[override]
        grad_NxD, grad_VxD = ctx.saved_tensors
        return grad_NxD * grad, grad_VxD * grad, None, None


def head_loss(hidden_NxD: Tensor, head_VxD: Tensor, told_N: Tensor, block: Block = placed_block) -> Tensor:
    """Return the mean cross-entropy, in nats, of N hidden states under a head with V tokens; IGNORE is left out.

    Equal to `cross_entropy(hidden @ head.T, told)`, in the autocast precision; 0 where everything is left out.
    block: what gives a block's loss and gradient.
    """
    if hidden_NxD.device.type == "cpu" and not (kept_N := told_N != IGNORE).all():  # a GPU would have to wait for it
        hidden_NxD, told_N = hidden_NxD[kept_N], told_N[kept_N]
    if torch.is_autocast_enabled(hidden_NxD.device.type):
        kind = torch.get_autocast_dtype(hidden_NxD.device.type)
        hidden_NxD, head_VxD = hidden_NxD.to(kind), head_VxD.to(kind)
    with torch.autocast(hidden_NxD.device.type, enabled=False):
        loss: Tensor = _HeadLoss.apply(hidden_NxD, head_VxD, told_N, block)  # type: ignore[no-untyped-call]
    return loss


def hidden_of(model: PreTrainedModel, inputs_BxT: Tensor, shown_BxT: Tensor | None = None) -> Tensor:
    """Return the last hidden states, (B, T, D). shown: which tokens are attended to, all where there is none."""
    read = model.base_model(input_ids=inputs_BxT, attention_mask=shown_BxT, use_cache=False)
    found: Tensor = read.last_hidden_state
    return found


def whole(model: nn.Module) -> bool:
    """Whether a model's logits are those of its head alone, so that `head_loss` is its loss."""
    return isinstance(model, PreTrainedModel) and model.config.model_type in PLAIN
