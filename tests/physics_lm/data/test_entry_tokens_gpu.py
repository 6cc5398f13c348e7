"""What a device draws and lays is what the processor draws and lays, id for id; here the device is the processor."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from entry_tokenizers import KINDS, knobs, tokenizer
from hypothesis import given
from hypothesis import strategies as st
from small_worlds import examples, small_world

from data_gen.config import CorpusConfig
from physics_lm.data import entry_tokens_gpu
from physics_lm.data.entry_tokens import entry_assembler
from physics_lm.data.windows import Windows

FRESH = CorpusConfig("multi_infinity_permute", entries=1, fresh=True)
CPU = torch.device("cpu")


@pytest.mark.parametrize("kind", KINDS)
@examples(25)
@given(config=knobs, seed=st.integers(0, 3), epoch=st.integers(1, 5))
def test_drawn_entries_are_the_assembled_ones(kind, config, seed, epoch):
    assembler = entry_assembler(
        small_world(people=12, seed=seed, first_person=5), replace(config, fresh=True), tokenizer(kind)
    )
    on_device, expected = (
        entry_tokens_gpu.GpuEntryAssembler(assembler, CPU).epoch(epoch),
        assembler.epoch(epoch).sequences,
    )
    assert on_device.flat.tolist() == expected.flat.tolist()
    assert on_device.bounds.tolist() == expected.bounds.tolist()


def test_blocks_change_nothing(monkeypatch):
    assembler = entry_assembler(small_world(people=30), replace(FRESH, entries=2, orders=3), tokenizer("word"))
    whole = entry_tokens_gpu.GpuEntryAssembler(assembler, CPU).epoch(3).flat.tolist()
    monkeypatch.setattr(entry_tokens_gpu, "BLOCK", 7 * assembler.config.entries_per_person)
    assert entry_tokens_gpu.GpuEntryAssembler(assembler, CPU).epoch(3).flat.tolist() == whole


def test_windows_are_the_same():
    assembler = entry_assembler(small_world(people=30), FRESH, tokenizer("word"))
    on_device = entry_tokens_gpu.gpu_entry_assembler(assembler, CPU)
    expected, drawn = (Windows(source, 64, 1) for source in (lambda n: assembler.epoch(n).sequences, on_device.epoch))
    assert expected.per_epoch == drawn.per_epoch
    assert all(np.array_equal(expected[index], drawn[index]) for index in range(3 * expected.per_epoch))


def test_a_device_that_draws_others_is_not_used(monkeypatch, caplog):
    assembler = entry_assembler(small_world(people=30), FRESH, tokenizer("word"))
    monkeypatch.setattr(entry_tokens_gpu, "_shift_right", lambda x, by: x >> by)
    assert entry_tokens_gpu.gpu_entry_assembler(assembler, CPU) is None
    assert "assembles other entries" in caplog.text
