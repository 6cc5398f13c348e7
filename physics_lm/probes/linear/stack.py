"""A stack of linear probes on one frozen model (Part 3.1, sections 5 and 6).

A probe is a low-rank update of the token embedding, a norm and a linear layer; nothing else is trained. All probes of
a stack train in one pass on the same batches, and each ends where it would end alone (tested): the losses are added,
and a probe's parameters occur in its own term only, except for a shared update.
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
from physics_lm.kernels import cpu_speedups
from physics_lm.probes.linear.heads import Heads

Array = NDArray[np.int64]
TOKENS = 2**15  # per forward pass, over all the embedding updates in it


@dataclass(frozen=True)
class Items:
    """E token sequences, and the tokens that a probe may read.

    row: (E,) row of each sequence's person in the world. token_index: (E, I) token index of each position.
    """

    sequences: Ragged
    row: Array
    token_index: Array

    def __len__(self) -> int:
        return len(self.row)


@dataclass(frozen=True)
class Head:
    """One linear probe of a stack, not an attention head.

    name: seeds its initial weights. position: the one that it reads, None for all. label: (N,) class of every person.
    classes: the number of classes. update: name of the embedding update that it reads through.
    """

    name: str
    position: int | None
    label: Array
    classes: int
    update: str


class Stack(nn.Module):
    """Trainable heads and embedding updates on a frozen causal model.

    The update of the embedding E (V, d) is A B, with A (V, r) drawn and B (r, d) zero at the start. Either every head
    reads one position, or every head reads all of them. A view is a pair of update and position; heads may share one.
    """

    def __init__(
        self, model: PreTrainedModel, heads: Sequence[Head], rank: int, norm: str, seed: int, precision: str = "fp32"
    ) -> None:
        """Draw the initial weights of every head and update from the seed and its name.

        norm: layer or batch (see `Heads`). precision: of the frozen model (auto, bf16 or fp32); trained parameters
        are fp32. Raises ValueError where some heads read one position and some all.
        """
        super().__init__()
        if len({head.position is None for head in heads}) > 1:
            raise ValueError("some probes read one position and some all; use one stack for each kind")
        self.frozen = [model.requires_grad_(False)]  # in a list: no parameters of the stack
        table_VxD = model.get_input_embeddings().weight
        self.precision = device.resolve_precision(precision, table_VxD.device)
        if table_VxD.device.type == "cpu":
            cpu_speedups.prepare(model)
        size, width = table_VxD.shape
        self.heads = list(heads)
        last = {head.update: head.position or 0 for head in sorted(heads, key=lambda head: head.position or 0)}
        self.updates = sorted(last, key=last.__getitem__)  # so that a pass reads no further than it must
        factors = [torch.randn(size, rank, generator=_generator(seed, name)) / rank**0.5 for name in self.updates]
        self.first = nn.ParameterList(factors)
        self.second = nn.ParameterList(torch.zeros(rank, width) for _ in self.updates)
        self.head_update = [self.updates.index(head.update) for head in heads]
        pairs = [(update, head.position) for update, head in zip(self.head_update, heads, strict=True)]
        self.views = sorted(set(pairs), key=lambda view: (view[0], view[1] or 0))
        rngs = [_generator(seed, head.name) for head in heads]
        sizes, head_views = [head.classes for head in heads], [self.views.index(pair) for pair in pairs]
        self.layers = Heads(sizes, head_views, width, norm, rngs)
        self.label: Tensor
        self.register_buffer("label", torch.from_numpy(np.stack([head.label for head in heads])), persistent=False)
        self.to(table_VxD.device)

    def passes(self, rows: int, length: int) -> list[range]:
        """Return the updates of each forward pass over (rows, length) ids: at most TOKENS tokens, or one update's."""
        size, last = max(1, TOKENS // (rows * length)), len(self.updates)
        return [range(first, min(first + size, last)) for first in range(0, last, size)]

    def read_length(self, token_index: Array, updates: range) -> int:
        """Return how many tokens of a row a pass needs: up to the last index (B, I) read through its updates."""
        views = [at for update, at in self.views if update in updates]
        return 1 + max(int((token_index if at is None else token_index[:, at]).max()) for at in views)

    def forward(self, ids_BxT: Tensor, token_index_BxI: Tensor, updates: range) -> tuple[Tensor, Tensor]:
        """Return the heads that read through the updates (H), and their logits (H, B, C), or (H, B I, C) at all I."""
        model = self.frozen[0]
        embedded_BxTxD = model.get_input_embeddings()(ids_BxT)
        updated = [embedded_BxTxD + self.first[number][ids_BxT] @ self.second[number] for number in updates]
        with device.autocast(self.precision, ids_BxT.device):
            output = model.base_model(inputs_embeds=torch.cat(updated), use_cache=False).last_hidden_state
        hidden_UxBxTxD = output.unflatten(0, (len(updates), len(ids_BxT)))
        views = [(number, *view) for number, view in enumerate(self.views) if view[0] in updates]
        index_GxBxK = torch.stack([token_index_BxI if at is None else token_index_BxI[:, [at]] for _, _, at in views])
        update_G = torch.tensor([update - updates.start for _, update, _ in views], device=ids_BxT.device)
        row_Bx1 = torch.arange(len(ids_BxT), device=ids_BxT.device)[:, None]
        hidden_GxBxKxD = hidden_UxBxTxD[update_G[:, None, None], row_Bx1, index_GxBxK]
        heads = [number for number, update in enumerate(self.head_update) if update in updates]
        heads_H = torch.tensor(heads, device=ids_BxT.device)
        return heads_H, self.layers(hidden_GxBxKxD.flatten(1, 2).float(), views[0][0], heads_H)


def _generator(seed: int, name: str) -> torch.Generator:
    digest = hashlib.sha256(f"{seed}/{name}".encode()).digest()
    return torch.Generator().manual_seed(int.from_bytes(digest[:7], "big"))
