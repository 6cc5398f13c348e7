"""Fresh entries drawn and laid on the device where the model is trained: equal, id for id, to `Assembler.epoch`.

Only what a corpus does that is drawn anew every epoch is here; any other is laid once, and that is `assembly`.
"""

import logging
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from data_gen import counter
from data_gen.biographies import recipes, sentence_templates
from data_gen.biographies.recipes import NAME
from data_gen.people.attributes import NAMES
from physics_lm.data.entry_tokens import EntryAssembler

log = logging.getLogger(__name__)
CHECKED = 40  # people whose entries are also laid by the assembler before a device is trusted
BLOCK = 2**18  # entries drawn at once


@dataclass(frozen=True)
class RaggedOnDevice:
    """E token sequences on a device, as `Ragged`: sequence i is flat[bounds[i]:bounds[i + 1]]."""

    flat: Tensor
    bounds: Tensor

    def __len__(self) -> int:
        return len(self.bounds) - 1

    @cached_property
    def lengths(self) -> NDArray[np.int64]:
        """(E,) lengths in tokens."""
        return self.bounds.diff().cpu().numpy()

    def reorder(self, order: NDArray[np.int64]) -> NDArray[np.integer[Any]]:
        """Return the sequences laid end to end in another order, in the processor's memory."""
        return self.taken(torch.from_numpy(order).to(self.flat.device)).cpu().numpy()

    def taken(self, order: Tensor) -> Tensor:
        """Return the sequences of an order laid end to end, where they are."""
        start, length = self.bounds[order], self.bounds.diff()[order]
        offset = start - (length.cumsum(0) - length)
        index = torch.repeat_interleave(offset, length)
        return self.flat[index + torch.arange(len(index), device=index.device)]


class GpuEntryAssembler:
    """What draws and lays the entries of a fresh corpus on a device."""

    def __init__(self, made: EntryAssembler, device: torch.device) -> None:
        """Bring the parts of the entries there."""
        self._made, self._device = made, device
        self._forms = recipes.subjects(made.config)
        self._counts = self._there(
            np.array([len(sentence_templates.first(name, made.config.templates)) for name in NAMES])
        )
        self._head, self._tail, self._value = map(self._there, (made.head, made.tail, made.value))
        self._closing_head, self._closing_tail = map(self._there, (made.closing_head, made.closing_tail))
        self._pronoun = self._there(made.world.pronoun)
        self._table = RaggedOnDevice(self._there(made.table.flat.astype(np.int32)), self._there(made.table.bounds))

    def _there(self, values: NDArray[Any]) -> Tensor:
        return torch.from_numpy(np.ascontiguousarray(values)).to(self._device)

    def epoch(self, epoch: int, people: int | None = None) -> RaggedOnDevice:
        """Draw and lay the entries of one epoch, of everybody or of the first people, as `Assembler.epoch` does."""
        size, each = people or len(self._made.world), self._made.config.entries_per_person
        rows = torch.split(torch.arange(size, device=self._device), max(1, BLOCK // each))
        parts = [self._parts(epoch, some) for some in rows]
        length = self._table.bounds.diff()
        lengths = torch.cat([length[part].sum(1) for part in parts])
        flat = torch.cat([self._table.taken(part.flatten()) for part in parts])
        return RaggedOnDevice(flat, torch.cat([lengths.new_zeros(1), lengths.cumsum(0)]))

    def _parts(self, epoch: int, row_P: Tensor) -> Tensor:
        """Draw the entries of the people in some rows; return each one's parts in text order, (E, parts)."""
        made, config = self._made, self._made.config
        person = (row_P + made.world.config.first_person).view(-1, 1, 1, 1)
        entry = (epoch * config.entries + torch.arange(config.entries, device=self._device)).view(1, -1, 1, 1)
        order = torch.arange(max(1, config.orders), device=self._device).view(1, 1, -1, 1)
        number = torch.arange(len(NAMES), device=self._device).view(1, 1, 1, -1)
        shape = (len(row_P), config.entries, order.numel(), len(NAMES))
        told = number.expand(shape)
        if config.orders:
            unit = number // 2 if config.couple else number
            keys = _words(made.world.seed, "order", person, entry, order, unit) ^ torch.iinfo(torch.int64).min
            told = keys.argsort(dim=-1, stable=True)  # the sign turned over: words have none
        template = _below(_words(made.world.seed, "template", person, entry, number), self._counts).expand(shape)
        template, told = template.gather(-1, told).reshape(-1, len(NAMES)), told.reshape(-1, len(NAMES))
        closings = _below(_words(made.world.seed, "closing", person, entry, order), len(self._closing_head))
        return self._layout(row_P.repeat_interleave(config.entries_per_person), told, template, closings.flatten())

    def _layout(self, row_E: Tensor, told_ES: Tensor, template_ES: Tensor, closing_E: Tensor) -> Tensor:
        pronoun_E, name_E = self._pronoun[row_E], self._made.name + row_E
        columns = []
        for place in range(len(NAMES)):
            told, template, form = told_ES[:, place], template_ES[:, place], int(self._forms[place])
            columns += [name_E] * (form == NAME)
            columns.append(self._head[told, template, form, pronoun_E])
            columns.append(self._value[told, row_E])
            columns.append(self._tail[told, template, form, pronoun_E])
        if self._made.config.reverse == len(NAMES):
            closing = (self._closing_head[closing_E, pronoun_E], name_E, self._closing_tail[closing_E, pronoun_E])
            columns += closing
        columns.append(torch.full_like(row_E, self._made.end))
        return torch.stack(columns, 1)


def gpu_entry_assembler(made: EntryAssembler, device: torch.device) -> GpuEntryAssembler | None:
    """Return what draws an assembler's entries on a device; None (with a warning) where it would draw others."""
    found = GpuEntryAssembler(made, device)
    people = min(CHECKED, len(made.world))
    here, there = made.assemble(np.arange(people), 1).sequences, found.epoch(1, people)
    if not np.array_equal(here.flat, there.flat.cpu().numpy()) or not np.array_equal(here.lengths, there.lengths):
        log.warning("%s draws other entries than the processor, which therefore draws them all", device)
        return None
    return found


def _words(seed: int, stream: str, *index: Tensor) -> Tensor:
    """Draw as `counter.words`: 64-bit words, here with a sign."""
    state = torch.full((1,), _signed(int(counter.stream_key(seed, stream)[0])), device=index[0].device)
    for part in index:
        state = _mixed(state + (part * _signed(counter.STRIDE) + _signed(counter.GOLDEN)))
    return state


def _mixed(x: Tensor) -> Tensor:
    """Scramble 64-bit words as `counter.mix`."""
    x = (x ^ _shifted(x, 30)) * _signed(counter.FIRST)
    x = (x ^ _shifted(x, 27)) * _signed(counter.SECOND)
    return x ^ _shifted(x, 31)


def _below(draws: Tensor, bound: Tensor | int) -> Tensor:
    """Map words to integers in [0, bound) as `counter.below`."""
    return (_shifted(draws, 32) * bound) >> 32


def _shifted(x: Tensor, by: int) -> Tensor:
    """Shift words to the right as if they had no sign."""
    return torch.bitwise_and(x >> by, 2 ** (64 - by) - 1)


def _signed(word: int | np.uint64) -> int:
    return int(word) - 2**64 * (int(word) >= 2**63)
