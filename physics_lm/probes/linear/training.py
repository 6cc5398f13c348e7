"""Training a stack of linear probes, and classifying items with it."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.optim import AdamW
from torch.optim.lr_scheduler import LambdaLR

from physics_lm.data.ragged import epoch_order, pad
from physics_lm.probes.linear.settings import LinearConfig
from physics_lm.probes.linear.stack import Array, Items, Stack
from physics_lm.progress import Bar
from physics_lm.training import resume

EPS = 1e-6  # AdamW's (Part 3.1, appendix)


def train(
    stack: Stack, items: Items, filler: int, config: LinearConfig, seed: int, title: str, state: Path | None = None
) -> None:
    """Train every head of the stack on the items with AdamW, whose rate decays linearly to zero.

    filler: the padding id. state: a folder with the resumable state; a killed training continues from it.
    """
    optimizer = AdamW(stack.parameters(), lr=config.lr, eps=EPS, weight_decay=config.weight_decay)
    schedule = LambdaLR(optimizer, lambda step: 1 - step / config.steps)
    rows = min(config.examples, len(items))
    stack.train()
    stack.frozen[0].train()  # the paper leaves its dropout on
    path = None if state is None else state / resume.STATE
    resumable: dict[str, Any] = {"stack": stack, "optimizer": optimizer, "falling": schedule}
    done = 0 if path is None else _restore(path, resumable)
    with Bar(title, config.steps, "step", done) as bar:
        for step in range(done, config.steps):
            _backward(stack, items, _batch_index(len(items), rows, seed, step), filler)
            optimizer.step()
            schedule.step()
            optimizer.zero_grad(set_to_none=True)
            if path is not None and (step + 1) % config.save_every == 0 and step + 1 < config.steps:
                resume.save(path, {"step": step + 1, **{key: value.state_dict() for key, value in resumable.items()}})
            bar.update()


def _restore(path: Path, resumable: dict[str, Any]) -> int:
    """Load a saved state, where there is one; return the number of finished steps."""
    state = resume.load(path, resumable["stack"].first[0].device)
    if state is None:
        return 0
    for key, value in resumable.items():
        value.load_state_dict(state[key])
    return int(state["step"])


def _batch_index(size: int, rows: int, seed: int, step: int) -> Array:
    """Return the items of a step's batch: whole batches of an epoch, which has an order of its own."""
    epoch, batch = divmod(step, size // rows)
    return epoch_order(size, seed, epoch)[batch * rows : (batch + 1) * rows]


def _forward_passes(stack: Stack, items: Items, index: Array, filler: int) -> Iterator[tuple[Tensor, Tensor, Tensor]]:
    """Yield for each pass over the items at `index` its heads (H), logits (H, B I, C) and labels (H, B)."""
    device, token_index = stack.first[0].device, items.token_index[index]
    ids_BxT = torch.from_numpy(pad(items.sequences, index, filler)).long().to(device)
    token_index_BxI, row_B = torch.from_numpy(token_index).to(device), torch.from_numpy(items.row[index]).to(device)
    for updates in stack.passes(*ids_BxT.shape):
        heads_H, logits_HxBIxC = stack(ids_BxT[:, : stack.read_length(token_index, updates)], token_index_BxI, updates)
        yield heads_H, logits_HxBIxC, stack.label[heads_H[:, None], row_B]


def _backward(stack: Stack, items: Items, index: Array, filler: int) -> None:
    for _, logits_HxBIxC, label_HxB in _forward_passes(stack, items, index, filler):
        rows = logits_HxBIxC.shape[1]
        label_HxBI = label_HxB.repeat_interleave(rows // len(index), 1)
        losses = nn.functional.cross_entropy(logits_HxBIxC.flatten(0, 1), label_HxBI.flatten(), reduction="sum")
        (losses / rows).backward()  # type: ignore[no-untyped-call]


@torch.no_grad()
def classify(stack: Stack, items: Items, filler: int, batch: int) -> tuple[Array, NDArray[np.float64]]:
    """Return every head's class of every item (H, E), and the right class's log-probability (H, E) in nats.

    For probes that read all positions, each item must have exactly one position.
    """
    stack.eval()
    stack.frozen[0].eval()
    predicted = np.empty((len(stack.heads), len(items)), np.int64)
    logprob = np.empty(predicted.shape)
    for index in np.array_split(np.arange(len(items)), -(-len(items) // batch)):
        for heads_H, logits_HxBxC, label_HxB in _forward_passes(stack, items, index, filler):
            logprob_HxBxC = logits_HxBxC.double().log_softmax(-1)
            cells = np.ix_(heads_H.cpu().numpy(), index)
            predicted[cells] = logprob_HxBxC.argmax(-1).cpu().numpy()
            logprob[cells] = logprob_HxBxC.gather(-1, label_HxB[..., None])[..., 0].cpu().numpy()
    return predicted, logprob
