"""A stack of linear probes on one frozen model (Part 3.1, sections 5 and 6).

A probe is a low-rank update of the token embedding, a norm and a linear layer; nothing else learns. All probes of a
stack see the same batches and train in one pass, and each ends where it would have ended alone (tested): their losses
are added, and a probe's parameters stand in its own term only, but for an update that several are told to share.
"""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.optim import AdamW
from torch.optim.lr_scheduler import LambdaLR
from transformers import PreTrainedModel

from physics_lm import quick, resuming, training
from physics_lm.config import ProbeConfig
from physics_lm.packing import Ragged, epoch_order, pad
from physics_lm.progress import Bar

Array = NDArray[np.int64]
EPS = 1e-6  # AdamW's (Part 3.1, appendix)


@dataclass(frozen=True)
class Items:
    """E token sequences that are read, and where in them a probe may look.

    row: (E,) whose they are, a person's row in the world. place: (E, I) tokens by position.
    """

    sequences: Ragged
    row: Array
    place: Array

    def __len__(self) -> int:
        return len(self.row)


@dataclass(frozen=True)
class Head:
    """One probe of a stack.

    name: decides its initial weights. position: at which of the items' places it looks, None for all of them. label:
    (N,) class of every person. classes: how many there are. update: which of the stack's embedding updates it reads
    through.
    """

    name: str
    position: int | None
    label: Array
    classes: int
    update: str


class Stack(nn.Module):
    """The heads and embedding updates that learn, over a frozen model that reads one way.

    The update of embedding E (V, d) is A B with A (V, r) drawn and B (r, d) zero at the start.
    """

    def __init__(
        self,
        model: PreTrainedModel,
        heads: Sequence[Head],
        rank: int,
        norm: Callable[[int], nn.Module],
        seed: int,
        precision: str = "fp32",
    ) -> None:
        """Draw the initial weights of every head and update from the seed and its name.

        precision: in which the model reads (auto, bf16 or fp32); what learns is fp32.
        """
        super().__init__()
        self.frozen = [model.requires_grad_(False)]  # in a list: no parameters of the stack
        table_VxD = model.get_input_embeddings().weight
        self.kind = training.precision(precision, table_VxD.device)
        if table_VxD.device.type == "cpu":
            quick.prepare(model)
        size, width = table_VxD.shape
        self.heads, self.updates = list(heads), list(dict.fromkeys(head.update for head in heads))
        drawn = [torch.randn(size, rank, generator=_generator(seed, name)) / rank**0.5 for name in self.updates]
        self.first = nn.ParameterList(drawn)
        self.second = nn.ParameterList(torch.zeros(rank, width) for _ in self.updates)
        self.norms = nn.ModuleList(norm(width) for _ in heads)
        self.layers = nn.ModuleList(_linear(width, head.classes, _generator(seed, head.name)) for head in heads)
        self.to(table_VxD.device)

    def passes(self, rows: int, most: int) -> list[list[int]]:
        """Return the updates of each forward pass, so that one has at most `most` sequences, or those of one update."""
        size = max(1, most // rows)
        return [list(range(len(self.updates)))[first : first + size] for first in range(0, len(self.updates), size)]

    def forward(self, ids_BxT: Tensor, place_BxI: Tensor, updates: Sequence[int]) -> dict[int, Tensor]:
        """Return the logits of every head that reads through one of the updates, by its number: (B, C), or (B I, C)
        of a head that looks at all I places.
        """
        model = self.frozen[0]
        embedded_BxTxD = model.get_input_embeddings()(ids_BxT)
        changed = [embedded_BxTxD + self.first[number][ids_BxT] @ self.second[number] for number in updates]
        with training.autocast(self.kind, ids_BxT.device):
            read = model.base_model(inputs_embeds=torch.cat(changed), use_cache=False).last_hidden_state
        hidden_UxBxTxD = read.float().unflatten(0, (len(updates), len(ids_BxT)))
        row_Bx1 = torch.arange(len(ids_BxT), device=ids_BxT.device)[:, None]
        found = {}
        for number, head in enumerate(self.heads):
            if (update := self.updates.index(head.update)) in updates:
                looked_BxK = place_BxI if head.position is None else place_BxI[:, [head.position]]
                seen_BKxD = hidden_UxBxTxD[updates.index(update), row_Bx1, looked_BxK].flatten(0, 1)
                found[number] = self.layers[number](self.norms[number](seen_BKxD))
        return found


def _generator(seed: int, name: str) -> torch.Generator:
    digest = hashlib.sha256(f"{seed}/{name}".encode()).digest()
    return torch.Generator().manual_seed(int.from_bytes(digest[:7], "big"))


def _linear(width: int, classes: int, generator: torch.Generator) -> nn.Linear:
    layer = nn.Linear(width, classes)
    nn.init.uniform_(layer.weight, -(width**-0.5), width**-0.5, generator=generator)
    nn.init.zeros_(layer.bias)
    return layer


def train(
    stack: Stack, items: Items, filler: int, config: ProbeConfig, seed: int, title: str, state: Path | None = None
) -> None:
    """Train every head of the stack on the items: AdamW, its rate falling linearly to zero.

    state: a folder, from which a training goes on that was killed.
    """
    optimizer = AdamW(stack.parameters(), lr=config.lr, eps=EPS, weight_decay=config.weight_decay)
    falling = LambdaLR(optimizer, lambda step: 1 - step / config.steps)
    rows = min(config.examples, len(items))
    passes = stack.passes(rows, config.batch)
    stack.train()
    stack.frozen[0].train()  # the paper leaves its dropout on
    path = None if state is None else state / resuming.STATE
    parts: dict[str, Any] = {"stack": stack, "optimizer": optimizer, "falling": falling}
    done = 0 if path is None else _resumed(path, parts)
    with Bar(title, config.steps, "step", done) as bar:
        for step in range(done, config.steps):
            index = _batch(len(items), rows, seed, step)
            _learn(stack, items, index, filler, passes)
            optimizer.step()
            falling.step()
            optimizer.zero_grad(set_to_none=True)
            if path is not None and (step + 1) % config.save_every == 0 and step + 1 < config.steps:
                resuming.save(path, {"step": step + 1, **{name: part.state_dict() for name, part in parts.items()}})
            bar.update()


def _resumed(path: Path, parts: dict[str, Any]) -> int:
    """Go on from a saved state, where there is one; return how many steps are done."""
    state = resuming.load(path, parts["stack"].first[0].device)
    if state is None:
        return 0
    for name, part in parts.items():
        part.load_state_dict(state[name])
    return int(state["step"])


def _learn(stack: Stack, items: Items, index: Array, filler: int, passes: list[list[int]]) -> None:
    ids_BxT, place_BxI = _tensors(stack, items, index, filler)
    for updates in passes:
        losses = []
        for number, logits_BKxC in stack(ids_BxT, place_BxI, updates).items():
            label_B = torch.from_numpy(stack.heads[number].label[items.row[index]]).to(logits_BKxC.device)
            label_BK = label_B.repeat_interleave(len(logits_BKxC) // len(label_B))
            losses.append(nn.functional.cross_entropy(logits_BKxC, label_BK))
        torch.stack(losses).sum().backward()  # type: ignore[no-untyped-call]


def _batch(size: int, rows: int, seed: int, step: int) -> Array:
    """Return which items a step learns from: whole epochs, each in an order of its own."""
    per_epoch = size // rows
    epoch, place = divmod(step, per_epoch)
    return epoch_order(size, seed, epoch)[place * rows : (place + 1) * rows]


def _tensors(stack: Stack, items: Items, index: Array, filler: int) -> tuple[Tensor, Tensor]:
    """Return ids (B, T), nothing after the last place looked at, and places (B, I)."""
    where, place = stack.first[0].device, items.place[index]
    ids = pad(items.sequences, index, filler)[:, : int(place.max()) + 1]
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
        for updates in stack.passes(len(index), batch):
            for number, logits_BxC in stack(ids_BxT, place_BxI, updates).items():
                label_B = torch.from_numpy(stack.heads[number].label[items.row[index]])
                shares_BxC = logits_BxC.double().log_softmax(-1).cpu()
                said[number, index] = shares_BxC.argmax(-1).numpy()
                logprob[number, index] = shares_BxC.gather(-1, label_B[:, None])[:, 0].numpy()
    return said, logprob
