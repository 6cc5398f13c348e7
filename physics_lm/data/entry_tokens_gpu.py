"""Entries of a fresh corpus, drawn and assembled on the training device: the same ids as `EntryAssembler.epoch`.

Only a fresh corpus needs this: it is drawn anew every epoch. Any other is assembled once, by `entry_tokens`.
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
CHECKED_PEOPLE = 40  # whose entries are also assembled on the CPU before a device is trusted
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
        """Return the tokens of the sequences in another order, in the host's memory."""
        return self.gather(torch.from_numpy(order).to(self.flat.device)).cpu().numpy()

    def gather(self, order: Tensor) -> Tensor:
        """Return the tokens of the sequences in another order, on the device."""
        start, length = self.bounds[order], self.bounds.diff()[order]
        offset = start - (length.cumsum(0) - length)
        index = torch.repeat_interleave(offset, length)
        return self.flat[index + torch.arange(len(index), device=index.device)]


class GpuEntryAssembler:
    """Draws and assembles the entries of a fresh corpus on a device."""

    def __init__(self, assembler: EntryAssembler, device: torch.device) -> None:
        """Copy the assembler's parts to the device."""
        self._assembler, self._device = assembler, device
        self._forms = recipes.subject_forms(assembler.config)
        templates = [len(sentence_templates.load_first(name, assembler.config.templates)) for name in NAMES]
        self._template_counts, self._pronoun = map(self._to_device, (np.array(templates), assembler.world.pronoun))
        self._before_value, self._after_value = map(self._to_device, (assembler.before_value, assembler.after_value))
        self._before_name, self._after_name = map(self._to_device, (assembler.before_name, assembler.after_name))
        self._value, table = self._to_device(assembler.value), assembler.table
        self._table = RaggedOnDevice(self._to_device(table.flat.astype(np.int32)), self._to_device(table.bounds))

    def _to_device(self, values: NDArray[Any]) -> Tensor:
        return torch.from_numpy(np.ascontiguousarray(values)).to(self._device)

    def epoch(self, epoch: int, people: int | None = None) -> RaggedOnDevice:
        """Draw and assemble the entries of one epoch, of everybody or of the first people."""
        size, per_person = people or len(self._assembler.world), self._assembler.config.entries_per_person
        blocks = torch.split(torch.arange(size, device=self._device), max(1, BLOCK // per_person))
        parts = [self._parts(epoch, row_P) for row_P in blocks]
        length = self._table.bounds.diff()
        lengths = torch.cat([length[part].sum(1) for part in parts])
        flat = torch.cat([self._table.gather(part.flatten()) for part in parts])
        return RaggedOnDevice(flat, torch.cat([lengths.new_zeros(1), lengths.cumsum(0)]))

    def _parts(self, epoch: int, row_P: Tensor) -> Tensor:
        """Draw the entries of the people in some rows, as `recipes.draw`; return their parts (E, parts) in order."""
        world, config = self._assembler.world, self._assembler.config
        person = (row_P + world.config.first_person).view(-1, 1, 1, 1)
        entry = (epoch * config.entries + torch.arange(config.entries, device=self._device)).view(1, -1, 1, 1)
        order = torch.arange(max(1, config.orders), device=self._device).view(1, 1, -1, 1)
        number = torch.arange(len(NAMES), device=self._device).view(1, 1, 1, -1)
        shape = (len(row_P), config.entries, order.numel(), len(NAMES))
        attribute = number.expand(shape)
        if config.orders:
            unit = number // 2 if config.couple else number
            # flipping the sign bit makes signed words sort like unsigned ones
            keys = _random_words(world.seed, "order", person, entry, order, unit) ^ torch.iinfo(torch.int64).min
            attribute = keys.argsort(dim=-1, stable=True)
        words = _random_words(world.seed, "template", person, entry, number)
        template = _below(words, self._template_counts).expand(shape)
        template, attribute = template.gather(-1, attribute).reshape(-1, len(NAMES)), attribute.reshape(-1, len(NAMES))
        closing = _below(_random_words(world.seed, "closing", person, entry, order), len(self._before_name))
        return self._arrange(row_P.repeat_interleave(config.entries_per_person), attribute, template, closing.flatten())

    def _arrange(self, row_E: Tensor, attribute_ES: Tensor, template_ES: Tensor, closing_E: Tensor) -> Tensor:
        pronoun_E, name_E = self._pronoun[row_E], self._assembler.first_name_part + row_E
        columns = []
        for sentence in range(len(NAMES)):
            attribute_E, template_E = attribute_ES[:, sentence], template_ES[:, sentence]
            form = int(self._forms[sentence])
            columns += [name_E] * (form == NAME)
            columns.append(self._before_value[attribute_E, template_E, form, pronoun_E])
            columns.append(self._value[attribute_E, row_E])
            columns.append(self._after_value[attribute_E, template_E, form, pronoun_E])
        if self._assembler.config.reverse == len(NAMES):
            columns += [self._before_name[closing_E, pronoun_E], name_E, self._after_name[closing_E, pronoun_E]]
        columns.append(torch.full_like(row_E, self._assembler.end_part))
        return torch.stack(columns, 1)


def gpu_entry_assembler(assembler: EntryAssembler, device: torch.device) -> GpuEntryAssembler | None:
    """Return an assembler on a device, or None (with a warning) where its entries would differ from the CPU's."""
    on_device = GpuEntryAssembler(assembler, device)
    people = min(CHECKED_PEOPLE, len(assembler.world))
    expected, drawn = assembler.assemble(np.arange(people), 1).sequences, on_device.epoch(1, people)
    if np.array_equal(expected.flat, drawn.flat.cpu().numpy()) and np.array_equal(expected.lengths, drawn.lengths):
        return on_device
    log.warning("%s assembles other entries than the CPU; the CPU is used", device)
    return None


def _random_words(seed: int, stream: str, *index: Tensor) -> Tensor:
    """Draw as `counter.words`: 64-bit words, stored as signed integers."""
    state = torch.full((1,), _as_signed(int(counter.stream_key(seed, stream)[0])), device=index[0].device)
    for axis_index in index:
        state = _mix(state + (axis_index * _as_signed(counter.STRIDE) + _as_signed(counter.GOLDEN)))
    return state


def _mix(x: Tensor) -> Tensor:
    """Scramble 64-bit words as `counter.mix`."""
    x = (x ^ _shift_right(x, 30)) * _as_signed(counter.FIRST)
    x = (x ^ _shift_right(x, 27)) * _as_signed(counter.SECOND)
    return x ^ _shift_right(x, 31)


def _below(draws: Tensor, bound: Tensor | int) -> Tensor:
    """Map words to integers in [0, bound) as `counter.below`."""
    return (_shift_right(draws, 32) * bound) >> 32


def _shift_right(x: Tensor, by: int) -> Tensor:
    """Shift words to the right as unsigned integers."""
    return torch.bitwise_and(x >> by, 2 ** (64 - by) - 1)


def _as_signed(word: int | np.uint64) -> int:
    return int(word) - 2**64 * (int(word) >= 2**63)
