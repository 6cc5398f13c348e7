"""The cross-entropy under a model's output head, computed block by block so that the full logits are never stored."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn
from transformers import PreTrainedModel

from physics_lm.data.batches import IGNORE

LINEAR_HEADS = ("gpt2", "gpt_neox", "llama", "mistral")  # model types whose logits are `hidden @ head.T` and no more
BLOCK_LOGITS = {"cpu": 2**20, "cuda": 2**28}  # logits of a block: they fit the processor's cache, or the GPU's memory

BlockLoss = Callable[[Tensor, Tensor, Tensor], tuple[Tensor, Tensor]]


def block_loss_in_place(logits_CxV: Tensor, target_C: Tensor, count: Tensor) -> tuple[Tensor, Tensor]:
    """Return the summed loss of C rows divided by `count`, and its gradient (C, V); fp32 logits are overwritten."""
    dtype, logits_CxV = logits_CxV.dtype, logits_CxV.float()
    counted_Cx1, target_Cx1 = (target_C != IGNORE)[:, None], target_C.clamp(min=0)[:, None]
    logits_CxV -= logits_CxV.amax(-1, keepdim=True)
    target_logit_Cx1 = logits_CxV.gather(1, target_Cx1)
    exp_CxV = logits_CxV.exp_()
    sum_Cx1 = exp_CxV.sum(-1, keepdim=True)
    weight_Cx1 = counted_Cx1 / count
    total = ((sum_Cx1.log() - target_logit_Cx1) * weight_Cx1).sum()
    exp_CxV.mul_(weight_Cx1 / sum_Cx1).scatter_add_(1, target_Cx1, -weight_Cx1)
    return total, exp_CxV.to(dtype)


def block_loss(logits_CxV: Tensor, target_C: Tensor, count: Tensor) -> tuple[Tensor, Tensor]:
    """Return what `block_loss_in_place` does by plain operations, which a compiler fuses into one pass."""
    dtype, logits_CxV = logits_CxV.dtype, logits_CxV.float()
    counted_Cx1, target_Cx1 = (target_C != IGNORE)[:, None], target_C.clamp(min=0)[:, None]
    shifted_CxV = logits_CxV - logits_CxV.amax(-1, keepdim=True)  # `logsumexp` would add a pass over the logits
    exp_CxV = shifted_CxV.exp()
    sum_Cx1 = exp_CxV.sum(-1, keepdim=True)
    weight_Cx1 = counted_Cx1 / count
    total = ((sum_Cx1.log() - shifted_CxV.gather(1, target_Cx1)) * weight_Cx1).sum()
    is_target_CxV = torch.arange(logits_CxV.shape[1], device=target_C.device) == target_Cx1
    return total, ((exp_CxV / sum_Cx1 - is_target_CxV.float()) * weight_Cx1).to(dtype)


class _HeadCrossEntropy(torch.autograd.Function):
    """Mean cross-entropy of `hidden @ head.T`; the forward pass computes the gradients, block by block."""

    @staticmethod
    def forward(ctx: Any, hidden_NxD: Tensor, head_VxD: Tensor, target_N: Tensor, block_loss: BlockLoss) -> Tensor:  # type: ignore[override]
        count = (target_N != IGNORE).sum().clamp(min=1)
        grad_NxD = torch.empty_like(hidden_NxD)
        grad_VxD = torch.zeros_like(head_VxD, dtype=torch.float32)
        loss = torch.zeros((), device=hidden_NxD.device)
        size = max(1, BLOCK_LOGITS.get(hidden_NxD.device.type, 2**20) // len(head_VxD))
        size = 1 << (size.bit_length() - 1)  # a power of two, so that most blocks have one size
        for start in range(0, len(hidden_NxD), size):
            hidden_CxD = hidden_NxD[start : start + size]
            total, grad_CxV = block_loss(hidden_CxD @ head_VxD.T, target_N[start : start + size], count)
            loss += total
            grad_NxD[start : start + size] = grad_CxV @ head_VxD
            grad_VxD += grad_CxV.T @ hidden_CxD
        ctx.save_for_backward(grad_NxD, grad_VxD)
        return loss

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, Tensor, None, None]:  # type: ignore[override]
        grad_NxD, grad_VxD = ctx.saved_tensors
        return grad_NxD * grad, grad_VxD * grad, None, None


def head_cross_entropy(
    hidden_NxD: Tensor, head_VxD: Tensor, target_N: Tensor, block_loss: BlockLoss = block_loss_in_place
) -> Tensor:
    """Return the mean cross-entropy, in nats, of N hidden states under a head of V tokens.

    Equal to `cross_entropy(hidden @ head.T, target, ignore_index=IGNORE)` in the autocast precision, but 0 where all
    targets are IGNORE. block_loss: computes the loss and the gradient of one block.
    """
    if hidden_NxD.device.type == "cpu" and not (counted_N := target_N != IGNORE).all():  # a GPU would stall the host
        hidden_NxD, target_N = hidden_NxD[counted_N], target_N[counted_N]
    if torch.is_autocast_enabled(hidden_NxD.device.type):
        dtype = torch.get_autocast_dtype(hidden_NxD.device.type)
        hidden_NxD, head_VxD = hidden_NxD.to(dtype), head_VxD.to(dtype)
    with torch.autocast(hidden_NxD.device.type, enabled=False):
        loss: Tensor = _HeadCrossEntropy.apply(hidden_NxD, head_VxD, target_N, block_loss)  # type: ignore[no-untyped-call]
    return loss


def hidden_states(model: PreTrainedModel, inputs_BxT: Tensor, mask_BxT: Tensor | None = None) -> Tensor:
    """Return the last hidden states (B, T, D). mask: 1 for the tokens that are attended to; None for all."""
    hidden_BxTxD: Tensor = model.base_model(input_ids=inputs_BxT, attention_mask=mask_BxT, use_cache=False)[0]
    return hidden_BxTxD


def has_linear_head(model: nn.Module) -> bool:
    """Return whether a model's logits are its hidden states times its head, so that `head_cross_entropy` applies."""
    return isinstance(model, PreTrainedModel) and model.config.model_type in LINEAR_HEADS
