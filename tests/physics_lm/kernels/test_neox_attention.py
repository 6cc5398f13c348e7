"""The attention of a model in training on a CPU is the attention that its checkpoint has."""

import copy

import pytest
import torch
from transformers import DynamicCache

from physics_lm.config.model import ModelConfig
from physics_lm.kernels import cpu, neox_attention
from physics_lm.models import registry


def pair(dropout=0.0):
    """Return a model and its copy in training."""
    plain = registry.build(ModelConfig("gpt2_rotary", 2, 32, 4, 16, dropout), 40, 0, 0)
    plain.set_attn_implementation("eager")
    prepared = copy.deepcopy(plain)
    cpu.prepare(prepared)
    return plain, prepared


def drawn(*shape):
    return torch.randint(0, 40, shape, generator=torch.Generator().manual_seed(1))


@pytest.mark.parametrize("kept", [[[0] * 3 + [1] * 9, [1] * 12], [[1] * 7 + [0] * 5, [1] * 12]])
def test_rows_that_are_filled_up_on_either_side_are_read_alike(kept):
    shown, ids = torch.tensor(kept), drawn(2, 12)
    places = (shown.cumsum(1) - 1).clamp(min=0)
    read = [model(input_ids=ids, attention_mask=shown, position_ids=places).logits for model in pair()]
    assert torch.allclose(*(logits[shown.bool()] for logits in read), atol=1e-5)


def test_half_precision_is_as_near_as_the_models_own():
    plain, prepared = pair()
    exact = plain(input_ids=drawn(3, 16)).logits
    with torch.autocast("cpu", torch.bfloat16):
        own, found = (model(input_ids=drawn(3, 16)).logits.float() for model in (plain, prepared))
    assert (found - exact).abs().max() < 2 * (own - exact).abs().max() + 1e-6


def test_what_was_read_before_is_remembered():
    plain, prepared = pair()
    ids = drawn(2, 12)
    cache = DynamicCache(config=prepared.config)
    first = prepared(input_ids=ids[:, :7], past_key_values=cache, use_cache=True).logits
    then = prepared(input_ids=ids[:, 7:], past_key_values=cache, use_cache=True).logits
    assert torch.allclose(torch.cat([first, then], 1), plain(input_ids=ids).logits, atol=1e-5)


def test_where_weights_are_dropped_the_models_own_attention_stays(monkeypatch):
    _, prepared = pair(dropout=0.1)
    monkeypatch.setattr(neox_attention._Attend, "apply", lambda *_: pytest.fail("nothing is dropped here"))
    prepared.train()(input_ids=drawn(2, 8))


def test_a_prepared_model_can_be_copied():
    _, prepared = pair()
    other = copy.deepcopy(prepared)
    assert torch.equal(other(input_ids=drawn(2, 8)).logits, prepared(input_ids=drawn(2, 8)).logits)
