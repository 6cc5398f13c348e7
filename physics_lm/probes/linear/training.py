"""TODO physics_lm.probes.linear.training."""

from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.optim import AdamW
from torch.optim.lr_scheduler import LambdaLR

from physics_lm.config.probe import ProbeConfig
from physics_lm.data.ragged import epoch_order, pad
from physics_lm.probes.linear.stack import Array, Items, Stack
from physics_lm.progress import Bar
from physics_lm.training import resume

EPS = 1e-6  # AdamW's (Part 3.1, appendix)


def train(
    stack: Stack, items: Items, filler: int, config: ProbeConfig, seed: int, title: str, state: Path | None = None
) -> None:
    """Train every head of the stack on the items: AdamW, its rate falling linearly to zero.

    state: a folder, from which a training goes on that was killed.
    """
    optimizer = AdamW(stack.parameters(), lr=config.lr, eps=EPS, weight_decay=config.weight_decay)
    falling = LambdaLR(optimizer, lambda step: 1 - step / config.steps)
    rows = min(config.examples, len(items))
    stack.train()
    stack.frozen[0].train()  # the paper leaves its dropout on
    path = None if state is None else state / resume.STATE
    parts: dict[str, Any] = {"stack": stack, "optimizer": optimizer, "falling": falling}
    done = 0 if path is None else _resumed(path, parts)
    with Bar(title, config.steps, "step", done) as bar:
        for step in range(done, config.steps):
            index = _batch(len(items), rows, seed, step)
            _learn(stack, items, index, filler)
            optimizer.step()
            falling.step()
            optimizer.zero_grad(set_to_none=True)
            if path is not None and (step + 1) % config.save_every == 0 and step + 1 < config.steps:
                resume.save(path, {"step": step + 1, **{name: part.state_dict() for name, part in parts.items()}})
            bar.update()


def _resumed(path: Path, parts: dict[str, Any]) -> int:
    """Go on from a saved state, where there is one; return how many steps are done."""
    state = resume.load(path, parts["stack"].first[0].device)
    if state is None:
        return 0
    for name, part in parts.items():
        part.load_state_dict(state[name])
    return int(state["step"])


def _learn(stack: Stack, items: Items, index: Array, filler: int) -> None:
    ids_BxT, place_BxI = _tensors(stack, items, index, filler)
    row_B = torch.from_numpy(items.row[index]).to(ids_BxT.device)
    for updates in stack.passes(*ids_BxT.shape):
        read_BxT = ids_BxT[:, : stack.tokens(items.place[index], updates)]
        chosen_H, logits_HxBKxC = stack(read_BxT, place_BxI, updates)
        label_HxB = stack.label[chosen_H[:, None], row_B]
        rows = logits_HxBKxC.shape[1]
        label_HxBK = label_HxB.repeat_interleave(rows // len(row_B), 1)
        losses = nn.functional.cross_entropy(logits_HxBKxC.flatten(0, 1), label_HxBK.flatten(), reduction="sum")
        (losses / rows).backward()  # type: ignore[no-untyped-call]


def _batch(size: int, rows: int, seed: int, step: int) -> Array:
    """Return which items a step learns from: whole epochs, each in an order of its own."""
    per_epoch = size // rows
    epoch, place = divmod(step, per_epoch)
    return epoch_order(size, seed, epoch)[place * rows : (place + 1) * rows]


def _tensors(stack: Stack, items: Items, index: Array, filler: int) -> tuple[Tensor, Tensor]:
    """Return ids (B, T) and places (B, I)."""
    where, place = stack.first[0].device, items.place[index]
    ids = pad(items.sequences, index, filler)
    return torch.from_numpy(ids).long().to(where), torch.from_numpy(place).to(where)


@torch.no_grad()
def classify(stack: Stack, items: Items, filler: int, batch: int) -> tuple[Array, NDArray[np.float64]]:
    """Return every head's class of every item (H, E), and the log-probability of the right one (H, E).

    A head that looks at all places needs items with one.
    """
    stack.eval()
    stack.frozen[0].eval()
    said = np.empty((len(stack.heads), len(items)), np.int64)
    logprob = np.empty(said.shape)
    for index in np.array_split(np.arange(len(items)), -(-len(items) // batch)):
        ids_BxT, place_BxI = _tensors(stack, items, index, filler)
        row_B = torch.from_numpy(items.row[index]).to(ids_BxT.device)
        for updates in stack.passes(*ids_BxT.shape):
            read_BxT = ids_BxT[:, : stack.tokens(items.place[index], updates)]
            chosen_H, logits_HxBxC = stack(read_BxT, place_BxI, updates)
            shares_HxBxC = logits_HxBxC.double().log_softmax(-1)
            gold_HxB = shares_HxBxC.gather(-1, stack.label[chosen_H[:, None], row_B, None])[..., 0]
            where = np.ix_(chosen_H.cpu().numpy(), index)
            said[where], logprob[where] = shares_HxBxC.argmax(-1).cpu().numpy(), gold_HxB.cpu().numpy()
    return said, logprob
