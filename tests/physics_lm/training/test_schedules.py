"""The learning rate's schedules as functions of the step."""

from dataclasses import fields, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from data_gen.settings import rule
from physics_lm.config.training import TrainConfig
from physics_lm.training import schedules

CONFIG = TrainConfig(steps=110, warmup=10, final=0.1)
NAMES = next(rule(item).choices for item in fields(TrainConfig) if item.name == "schedule")


def test_every_choice_is_a_schedule():
    assert set(NAMES) == set(schedules.SHAPES)


@given(st.sampled_from(NAMES), st.integers(0, 20), st.integers(21, 60), st.floats(0, 1))
def test_a_schedule_rises_to_the_peak_and_never_rises_again(name, warmup, steps, final):
    config = TrainConfig(steps=steps, warmup=warmup, final=final, schedule=name)
    rates = [schedules.rate(config, step) for step in range(steps + 1)]
    assert rates[:warmup] == [(step + 1) / warmup for step in range(warmup)]
    assert rates[warmup] == pytest.approx(1)
    falling = rates[warmup:]
    assert all(later <= earlier + 1e-12 for earlier, later in zip(falling, falling[1:], strict=False))
    assert falling[-1] == pytest.approx(1 if name == "constant" else final)


def test_the_shapes_at_some_steps():
    def at(name, *steps):
        return [round(schedules.rate(replace(CONFIG, schedule=name), step), 6) for step in steps]

    assert at("linear", 10, 60, 110) == [1, 0.55, 0.1]
    assert at("constant", 10, 60, 110) == [1, 1, 1]
    assert at("wsd", 10, 60, 90, 100, 110) == [1, 1, 1, 0.55, 0.1]
    assert at("cosine", 10, 60, 110) == [1, 0.55, 0.1]
