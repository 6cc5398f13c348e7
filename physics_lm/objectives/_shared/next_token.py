"""The next-token loss of a causal language model, plain or compiled."""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn
from transformers import PreTrainedModel

from physics_lm.data.batches import IGNORE, INPUTS, LABELS
from physics_lm.kernels import compiling, head_loss


def compile_loss(model: Any, device: torch.device) -> tuple[Callable[..., torch.Tensor], str]:
    """Return a model's next-token loss compiled, and `yes`; or uncompiled, and why it could not be compiled.

    On a CPU the loss is compiled as a whole from the logits: there hidden states that are compiled alone have
    gradients of nan in bf16. On a GPU the hidden states and the blocks of the head are compiled separately.
    """
    function, compiled = compiling.compile_or_fall_back(loss_from_logits, loss, device)
    if compiled == "yes" and device.type == "cuda" and head_loss.has_linear_head(model):
        parts = (head_loss.hidden_states, head_loss.block_loss)
        function = partial(loss, **{part.__name__: compiling.compile_per_shape(part) for part in parts})
    return function, compiled


def loss(
    model: PreTrainedModel,
    batch: Mapping[str, Tensor],
    step: int = 0,
    hidden_states: Callable[[PreTrainedModel, Tensor], Tensor] = head_loss.hidden_states,
    block_loss: head_loss.BlockLoss = head_loss.block_loss_in_place,
) -> Tensor:
    """Return the mean next-token cross-entropy over the labels that are not IGNORE, in nats.

    hidden_states, block_loss: the functions of `kernels.head_loss`, or their compiled versions.
    """
    inputs_BxT, labels_BxT = batch[INPUTS], batch[LABELS]
    if not head_loss.has_linear_head(model):
        return loss_from_logits(model, batch)
    hidden_BxTxD, targets_BxT = hidden_states(model, inputs_BxT), labels_BxT[:, 1:]
    if hidden_BxTxD.device.type == "cpu":
        hidden_BxTxD = hidden_BxTxD[:, :-1]
    else:  # padded targets instead of cut hidden states: nothing is copied, and the blocks keep one size
        targets_BxT = nn.functional.pad(targets_BxT, (0, 1), value=IGNORE)
    head_VxD = model.get_output_embeddings().weight
    return head_loss.head_cross_entropy(hidden_BxTxD.flatten(0, 1), head_VxD, targets_BxT.flatten(), block_loss)


def loss_from_logits(model: PreTrainedModel, batch: Mapping[str, Tensor], step: int = 0) -> Tensor:
    """Return the same loss for any model, computed from its logits."""
    logits_BxTxV = model(input_ids=batch[INPUTS], use_cache=False).logits
    targets_BxT = nn.functional.pad(batch[LABELS][:, 1:], (0, 1), value=IGNORE)  # cutting the logits would copy them
    return nn.functional.cross_entropy(logits_BxTxV.flatten(0, 1).float(), targets_BxT.flatten(), ignore_index=IGNORE)
