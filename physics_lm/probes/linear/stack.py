"""A stack of linear probes on one frozen model (Part 3.1, sections 5 and 6).

A probe is a low-rank update of the token embedding, a norm and a linear layer; nothing else learns. All probes of a
stack see the same batches and train in one pass, and each ends where it would have ended alone (tested): their losses
are added, and a probe's parameters stand in its own term only, but for an update that several are told to share.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from transformers import PreTrainedModel

from physics_lm import device
from physics_lm.data.ragged import Ragged
from physics_lm.kernels import cpu
from physics_lm.probes.linear.heads import Heads

Array = NDArray[np.int64]
TOKENS = 2**15  # read in one pass, for the embedding updates that it carries together


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

    The update of embedding E (V, d) is A B with A (V, r) drawn and B (r, d) zero at the start. All heads look at one
    place of an item each, or all of them at every place.
    """

    def __init__(
        self, model: PreTrainedModel, heads: Sequence[Head], rank: int, norm: str, seed: int, precision: str = "fp32"
    ) -> None:
        """Draw the initial weights of every head and update from the seed and its name.

        norm: layer or batch (see `Heads`). precision: in which the model reads (auto, bf16 or fp32); what learns is
        fp32. Raises ValueError where some heads look at one place and some at all.
        """
        super().__init__()
        if len({head.position is None for head in heads}) > 1:
            raise ValueError("some heads look at one place and some at all; give each kind a stack of its own")
        self.frozen = [model.requires_grad_(False)]  # in a list: no parameters of the stack
        table_VxD = model.get_input_embeddings().weight
        self.kind = device.precision(precision, table_VxD.device)
        if table_VxD.device.type == "cpu":
            cpu.prepare(model)
        size, width = table_VxD.shape
        self.heads = list(heads)
        last = {head.update: head.position or 0 for head in sorted(heads, key=lambda head: head.position or 0)}
        self.updates = sorted(last, key=last.__getitem__)  # so that a pass reads no further than it must
        drawn = [torch.randn(size, rank, generator=_generator(seed, name)) / rank**0.5 for name in self.updates]
        self.first = nn.ParameterList(drawn)
        self.second = nn.ParameterList(torch.zeros(rank, width) for _ in self.updates)
        self.through = [self.updates.index(head.update) for head in heads]
        pairs = zip(self.through, (head.position for head in heads), strict=True)
        self.looks = sorted(set(pairs), key=lambda look: (look[0], look[1] or 0))
        sees = [self.looks.index((update, head.position)) for update, head in zip(self.through, heads, strict=True)]
        draw = [_generator(seed, head.name) for head in heads]
        self.layers = Heads([head.classes for head in heads], sees, width, norm, draw)
        self.label: Tensor
        self.register_buffer("label", torch.from_numpy(np.stack([head.label for head in heads])), persistent=False)
        self.to(table_VxD.device)

    def passes(self, rows: int, length: int) -> list[range]:
        """Return the updates of each forward pass over rows of a length: at most TOKENS tokens, or one update's."""
        size, last = max(1, TOKENS // (rows * length)), len(self.updates)
        return [range(first, min(first + size, last)) for first in range(0, last, size)]

    def tokens(self, place: Array, updates: range) -> int:
        """Return how many tokens of a row a pass reads: up to the last place (B, I) looked at through its updates."""
        looked = [place if at is None else place[:, at] for update, at in self.looks if update in updates]
        return 1 + max(int(part.max()) for part in looked)

    def forward(self, ids_BxT: Tensor, place_BxI: Tensor, updates: range) -> tuple[Tensor, Tensor]:
        """Return which heads read through one of the updates, (H), and their logits, (H, B, C), or (H, B I, C) of heads
        that look at all I places.
        """
        model = self.frozen[0]
        embedded_BxTxD = model.get_input_embeddings()(ids_BxT)
        changed = [embedded_BxTxD + self.first[number][ids_BxT] @ self.second[number] for number in updates]
        with device.autocast(self.kind, ids_BxT.device):
            read = model.base_model(inputs_embeds=torch.cat(changed), use_cache=False).last_hidden_state
        hidden_UxBxTxD = read.unflatten(0, (len(updates), len(ids_BxT)))
        looks = [(number, *look) for number, look in enumerate(self.looks) if look[0] in updates]
        place_GxBxK = torch.stack([place_BxI if at is None else place_BxI[:, [at]] for _, _, at in looks])
        read_G = torch.tensor([update - updates.start for _, update, _ in looks], device=ids_BxT.device)
        row_Bx1 = torch.arange(len(ids_BxT), device=ids_BxT.device)[:, None]
        seen_GxBxKxD = hidden_UxBxTxD[read_G[:, None, None], row_Bx1, place_GxBxK]
        chosen = [number for number, update in enumerate(self.through) if update in updates]
        chosen_H = torch.tensor(chosen, device=ids_BxT.device)
        return chosen_H, self.layers(seen_GxBxKxD.flatten(1, 2).float(), looks[0][0], chosen_H)


def _generator(seed: int, name: str) -> torch.Generator:
    digest = hashlib.sha256(f"{seed}/{name}".encode()).digest()
    return torch.Generator().manual_seed(int.from_bytes(digest[:7], "big"))
