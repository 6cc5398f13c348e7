"""The same functions as a model's own, in fewer passes over memory: what a training step on a CPU spends its time on.

A checkpoint never knows: only the modules of the model in training are changed, and its config stays as it was.
"""

import ctypes
import sys
from collections.abc import Callable
from functools import cache
from typing import Any

import torch
from torch import Tensor, nn
from transformers import PreTrainedModel
from transformers.activations import NewGELUActivation

from physics_lm import attention, rotary
from physics_lm.packing import IGNORE

PLAIN = ("gpt2", "gpt_neox", "llama", "mistral")  # their logits are the last hidden state times the head, no more
BLOCK = {"cpu": 2**20, "cuda": 2**28}  # logits at once: they stay in the processor's cache, or in the GPU's memory
_MMAP_THRESHOLD, _TRIM_THRESHOLD = -3, -1  # mallopt's


def prepare(model: nn.Module) -> None:
    """Let a model in training on a CPU use these functions, in place."""
    keep_pages()
    for module in model.modules():
        for name, part in module.named_children():
            if isinstance(part, NewGELUActivation):
                setattr(module, name, nn.GELU("tanh"))
    rotary.prepare(model)
    model.set_attn_implementation(attention.PLACED)  # type: ignore[operator]


@cache
def keep_pages() -> None:
    """Let the process keep what it frees: asking for the pages of every activation again takes a tenth of a step."""
    if sys.platform == "linux" and hasattr(libc := ctypes.CDLL(None), "mallopt"):
        libc.mallopt(_MMAP_THRESHOLD, 2**25)  # the most that glibc takes
        libc.mallopt(_TRIM_THRESHOLD, 2**30)


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


def loss_of(
    model: PreTrainedModel,
    inputs_BxT: Tensor,
    labels_BxT: Tensor,
    step: int = 0,
    hidden: Callable[[PreTrainedModel, Tensor], Tensor] = hidden_of,
    block: Block = placed_block,
) -> Tensor:
    """Return the mean next-token cross-entropy over the labels that are not IGNORE, in nats.

    hidden, block: `hidden_of` and what `head_loss` takes, or the same compiled.
    """
    if not whole(model):
        return plain_loss(model, inputs_BxT, labels_BxT)
    hidden_BxTxD, told_BxT = hidden(model, inputs_BxT), labels_BxT[:, 1:]
    if hidden_BxTxD.device.type == "cpu":
        hidden_BxTxD = hidden_BxTxD[:, :-1]
    else:  # nothing is cut off, so that nothing is copied and blocks stay of one size
        told_BxT = nn.functional.pad(told_BxT, (0, 1), value=IGNORE)
    return head_loss(hidden_BxTxD.flatten(0, 1), model.get_output_embeddings().weight, told_BxT.flatten(), block)


def plain_loss(model: PreTrainedModel, inputs_BxT: Tensor, labels_BxT: Tensor, step: int = 0) -> Tensor:
    """Return the same of any model, from its logits."""
    logits_BxTxV = model(input_ids=inputs_BxT, use_cache=False).logits
    told_BxT = nn.functional.pad(labels_BxT[:, 1:], (0, 1), value=IGNORE)  # cut logits would be copied
    return nn.functional.cross_entropy(logits_BxTxV.flatten(0, 1).float(), told_BxT.flatten(), ignore_index=IGNORE)


def whole(model: nn.Module) -> bool:
    """Whether a model's logits are those of its head alone, so that `head_loss` is its loss."""
    return isinstance(model, PreTrainedModel) and model.config.model_type in PLAIN
