"""The CPU attention kernel for training agrees with transformers' GPT-NeoX attention."""

import copy

import pytest
import torch
from kind_configs import model_config
from transformers import DynamicCache

from physics_lm import models
from physics_lm.kernels import cpu_speedups, neox_attention


def pair(dropout=0.0):
    """Return a model, and a copy prepared for training."""
    plain = models.build(model_config("gpt2_rotary", 2, 32, 4, 16, dropout), 40, 0, 0)
    plain.set_attn_implementation("eager")
    prepared = copy.deepcopy(plain)
    cpu_speedups.prepare(prepared)
    return plain, prepared


def random_ids(*shape):
    return torch.randint(0, 40, shape, generator=torch.Generator().manual_seed(1))


@pytest.mark.parametrize("mask_rows", [[[0] * 3 + [1] * 9, [1] * 12], [[1] * 7 + [0] * 5, [1] * 12]])
def test_rows_padded_on_either_side_give_the_same_logits(mask_rows):
    mask, ids = torch.tensor(mask_rows), random_ids(2, 12)
    positions = (mask.cumsum(1) - 1).clamp(min=0)
    outputs = [model(input_ids=ids, attention_mask=mask, position_ids=positions).logits for model in pair()]
    assert torch.allclose(*(logits[mask.bool()] for logits in outputs), atol=1e-5)


def test_half_precision_is_as_near_as_the_models_own():
    plain, prepared = pair()
    exact = plain(input_ids=random_ids(3, 16)).logits
    with torch.autocast("cpu", torch.bfloat16):
        expected, logits = (model(input_ids=random_ids(3, 16)).logits.float() for model in (plain, prepared))
    assert (logits - exact).abs().max() < 2 * (expected - exact).abs().max() + 1e-6


def test_a_key_value_cache_is_used():
    plain, prepared = pair()
    ids = random_ids(2, 12)
    cache = DynamicCache(config=prepared.config)
    first = prepared(input_ids=ids[:, :7], past_key_values=cache, use_cache=True).logits
    then = prepared(input_ids=ids[:, 7:], past_key_values=cache, use_cache=True).logits
    assert torch.allclose(torch.cat([first, then], 1), plain(input_ids=ids).logits, atol=1e-5)


def test_where_weights_are_dropped_the_models_own_attention_stays(monkeypatch):
    _, prepared = pair(dropout=0.1)
    monkeypatch.setattr(neox_attention._RotaryAttention, "apply", lambda *_: pytest.fail("nothing is dropped here"))
    prepared.train()(input_ids=random_ids(2, 8))


def test_a_prepared_model_can_be_copied():
    _, prepared = pair()
    other = copy.deepcopy(prepared)
    assert torch.equal(other(input_ids=random_ids(2, 8)).logits, prepared(input_ids=random_ids(2, 8)).logits)
