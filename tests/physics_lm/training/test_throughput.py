"""How fast a training goes, and what share of a device that is."""

from itertools import chain, repeat

import pytest
import torch
from kind_configs import model_config

from physics_lm import models
from physics_lm.training import throughput


@pytest.mark.parametrize(
    ("name", "operations"),
    [
        ("NVIDIA H200", 989e12), ("NVIDIA H100 80GB HBM3", 989e12), ("NVIDIA H100 PCIe", 756e12),
        ("NVIDIA A100-SXM4-80GB", 312e12), ("NVIDIA L40S", 362e12), ("NVIDIA L4", 121e12),
        ("NVIDIA GeForce RTX 4090", 165e12), ("cpu", None), ("NVIDIA A1000", None),
    ],
)  # fmt: skip
def test_the_peak_is_looked_up_by_whole_words(name, operations):
    assert throughput.peak_flops(name) == operations


def test_operations_a_token_are_those_of_the_124m_model_of_the_table():
    with torch.device("meta"):
        model = models.build(model_config("gpt2", 12, 768, 12, 1024), 50257, 0, 0)
    assert throughput.flops_per_token(model, 1024) == pytest.approx(8.57e8, rel=0.01)


def test_tokens_and_share_are_counted_from_the_first_step_on(monkeypatch):
    now = chain([0.0], repeat(2.0))
    monkeypatch.setattr(throughput.time, "perf_counter", lambda: next(now))
    model = models.build(model_config("gpt2_rotary", 1, 16, 2, 16), 32, 0, 0)
    speed = throughput.Throughput(model, torch.device("cpu"))
    speed._peak = 1e9
    speed.add((4, 10))
    speed.add((4, 6))
    assert speed.tokens_per_second == 32
    operations = 40 * throughput.flops_per_token(model, 10) + 24 * throughput.flops_per_token(model, 6)
    assert speed.mfu == pytest.approx(operations / 2 / 1e9)
    assert "mfu" in speed.bar_fields


def test_a_device_that_is_not_in_the_table_is_named():
    model = models.build(model_config("gpt2_rotary", 1, 16, 2, 16), 32, 0, 0)
    speed = throughput.Throughput(model, torch.device("cpu"))
    assert speed.mfu is None
    assert "cpu" in speed.summary["mfu"]
    assert "mfu" not in speed.bar_fields
