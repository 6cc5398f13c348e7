"""What a device draws and lays is what the processor draws and lays, id for id; here the device is the processor."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from data_gen_fixtures import examples, small_world
from hypothesis import given
from hypothesis import strategies as st
from test_assembly import KINDS, knobs, tokenizer

from data_gen.config import CorpusConfig
from physics_lm import drawing
from physics_lm.assembly import assembler
from physics_lm.packing import Windows

FRESH = CorpusConfig("multi_infinity_permute", entries=1, fresh=True)
HERE = torch.device("cpu")


@pytest.mark.parametrize("kind", KINDS)
@examples(25)
@given(config=knobs, seed=st.integers(0, 3), epoch=st.integers(1, 5))
def test_drawn_entries_are_the_assembled_ones(kind, config, seed, epoch):
    laid = assembler(small_world(people=12, seed=seed, first_person=5), replace(config, fresh=True), tokenizer(kind))
    found, expected = drawing.Drawing(laid, HERE).epoch(epoch), laid.epoch(epoch).sequences
    assert found.flat.tolist() == expected.flat.tolist()
    assert found.bounds.tolist() == expected.bounds.tolist()


def test_blocks_change_nothing(monkeypatch):
    laid = assembler(small_world(people=30), replace(FRESH, entries=2, orders=3), tokenizer("word"))
    whole = drawing.Drawing(laid, HERE).epoch(3).flat.tolist()
    monkeypatch.setattr(drawing, "BLOCK", 7 * laid.config.entries_per_person)
    assert drawing.Drawing(laid, HERE).epoch(3).flat.tolist() == whole


def test_windows_are_the_same():
    laid = assembler(small_world(people=30), FRESH, tokenizer("word"))
    drawn = drawing.drawing(laid, HERE)
    here, there = (Windows(source, 64, 1) for source in (lambda n: laid.epoch(n).sequences, drawn.epoch))
    assert here.per_epoch == there.per_epoch
    assert all(np.array_equal(here[index], there[index]) for index in range(3 * here.per_epoch))


def test_a_device_that_draws_others_is_not_used(monkeypatch, caplog):
    laid = assembler(small_world(people=30), FRESH, tokenizer("word"))
    monkeypatch.setattr(drawing, "_shifted", lambda x, by: x >> by)
    assert drawing.drawing(laid, HERE) is None
    assert "draws other entries" in caplog.text
