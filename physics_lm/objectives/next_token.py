"""TODO physics_lm.objectives.next_token."""

from collections.abc import Callable
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn
from transformers import PreTrainedModel

from physics_lm.data.batches import IGNORE
from physics_lm.kernels.compiling import compiled, faster
from physics_lm.kernels.head_loss import Block, head_loss, hidden_of, placed_block, whole
from physics_lm.kernels.head_loss import block as plain_block


def compiled_loss(model: Any, where: torch.device) -> tuple[Callable[..., torch.Tensor], str]:
    """Return the next tokens' loss of a model compiled, and `yes`; or as it is, and why it could not be compiled.

    On a CPU the whole loss: the hidden states compiled alone have gradients of nan in bf16 there. On a GPU the head
    is apart, block by block (`quick.head_loss`).
    """
    found, done = compiled(plain_loss, loss, where)
    if done == "yes" and where.type == "cuda" and whole(model):
        found = partial(loss, hidden=faster(hidden_of), block=faster(plain_block))
    return found, done


def loss(
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
