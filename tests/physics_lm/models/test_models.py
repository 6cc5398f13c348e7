import pytest
import torch
from kind_configs import model_config
from transformers import AutoModelForCausalLM

from data_gen.errors import ConfigError
from physics_lm import models
from physics_lm.config.model import ShapeConfig

KINDS = ["gpt2", "gpt2_rotary", "llama", "mistral"]
IDS = torch.tensor([[5, 9, 2, 40, 7, 7, 1, 30]])


def tiny(kind: str, **changes):
    return model_config(kind, **{"layers": 2, "width": 32, "heads": 2, "positions": 64, **changes})


def build(config, seed: int = 0):
    return models.build(config, 64, 0, seed).eval()


@torch.no_grad()
def logits(model, ids=IDS):
    return model(input_ids=ids).logits


@pytest.mark.parametrize("kind", KINDS)
def test_a_saved_model_loads_with_plain_transformers(kind, tmp_path):
    model = build(tiny(kind))
    model.save_pretrained(tmp_path)
    assert torch.equal(logits(AutoModelForCausalLM.from_pretrained(tmp_path).eval()), logits(model))


@pytest.mark.parametrize("kind", KINDS)
def test_the_seed_decides_the_weights(kind):
    state = torch.get_rng_state()
    first, again, other = build(tiny(kind), 1), build(tiny(kind), 1), build(tiny(kind), 2)
    assert all(torch.equal(a, b) for a, b in zip(first.parameters(), again.parameters(), strict=True))
    assert not torch.equal(logits(first), logits(other))
    assert torch.equal(torch.get_rng_state(), state)


@pytest.mark.parametrize("kind", KINDS)
def test_later_tokens_change_no_earlier_logits(kind):
    model, changed = build(tiny(kind)), IDS.clone()
    changed[0, 5:] = torch.tensor([50, 51, 52])
    assert torch.allclose(logits(model)[:, :5], logits(model, changed)[:, :5], atol=1e-6)
    assert not torch.allclose(logits(model)[:, 5:], logits(model, changed)[:, 5:], atol=1e-3)


@pytest.mark.parametrize("kind", KINDS)
def test_earlier_tokens_and_their_places_matter(kind):
    swapped = IDS[:, [1, 0, *range(2, 8)]]
    assert not torch.allclose(logits(build(tiny(kind)))[:, -1], logits(build(tiny(kind)), swapped)[:, -1], atol=1e-6)


@pytest.mark.parametrize("kind", KINDS)
def test_the_shape_is_the_configs(kind):
    config = build(tiny(kind, layers=3, width=48, heads=3, positions=40)).config
    shape = (config.num_hidden_layers, config.hidden_size, config.num_attention_heads, config.max_position_embeddings)
    assert shape == (3, 48, 3, 40)
    assert (config.vocab_size, config.bos_token_id, config.eos_token_id) == (64, 0, 0)


@pytest.mark.parametrize("kind", KINDS)
def test_dropout_acts_in_training_only(kind):
    model = build(tiny(kind, dropout=0.5))
    assert torch.equal(logits(model), logits(model))
    model.train()
    assert not torch.equal(logits(model), logits(model))


def test_gpt2_rotary_is_the_papers():
    model = build(tiny("gpt2_rotary", width=64))
    assert model.config.rope_parameters["partial_rotary_factor"] == 0.25
    assert model.config.rope_parameters["rope_theta"] == 10_000.0
    assert model.config.use_parallel_residual is False
    assert model.config.intermediate_size == 4 * 64
    assert model.get_input_embeddings().weight is model.get_output_embeddings().weight
    rotated = model.base_model.rotary_emb.inv_freq.numel() * 2
    assert rotated == 64 // 2 // 4


def test_rotary_and_sequential_survive_saving(tmp_path):
    build(tiny("gpt2_rotary")).save_pretrained(tmp_path)
    config = AutoModelForCausalLM.from_pretrained(tmp_path).config
    assert config.rope_parameters["partial_rotary_factor"] == 0.25
    assert config.use_parallel_residual is False


def test_mistrals_query_heads_share_key_heads():
    for heads, sharing, expected in ((4, 1, 4), (4, 4, 1), (8, 4, 2), (2, 4, 1)):
        model = build(tiny("mistral", width=64, heads=heads, sharing=sharing))
        assert model.config.num_key_value_heads == expected
        assert model.model.layers[0].self_attn.k_proj.weight.shape == (64 // heads * expected, 64)
    grouped, plain = (build(tiny("mistral", width=64, heads=4, sharing=sharing)) for sharing in (4, 1))
    assert not torch.allclose(logits(grouped), logits(plain), atol=1e-3)


def test_mistral_attends_to_the_whole_context():
    assert build(tiny("mistral")).config.sliding_window is None


@pytest.mark.parametrize(
    ("config", "named"),
    [
        (ShapeConfig("gpt3"), "model.kind=gpt3: choose one of checkpoint, gpt2"),
        (ShapeConfig("mistral"), "model.kind=mistral: the settings given are of another kind; choose model=mistral"),
        (tiny("gpt2", width=30, heads=4), "model.heads=4"),
        (tiny("gpt2_rotary", width=32, heads=8), "model.heads=8"),
        (tiny("llama", width=24, heads=2), "model.heads=2"),
        (tiny("gpt2", layers=0), "layers"),
        (tiny("mistral", width=48, heads=6, sharing=4), "model.sharing=4"),
        (tiny("mistral", sharing=0), "model.sharing=0"),
        (tiny("gpt2", positions=0), "positions"),
        (tiny("gpt2", heads=0), "heads"),
        (tiny("checkpoint"), "model.path"),
    ],
)
def test_an_impossible_shape_is_refused(config, named):
    with pytest.raises(ConfigError, match=named):
        models.build(config, 64, 0, 0)


def test_a_checkpoint_folder_is_loaded(tmp_path):
    model = build(tiny("llama"), 3)
    model.save_pretrained(tmp_path)
    assert torch.equal(logits(build(model_config("checkpoint", path=str(tmp_path)))), logits(model))


def test_a_folder_without_a_checkpoint_is_refused_in_one_line(tmp_path):
    for path in (tmp_path, tmp_path / "nowhere"):
        with pytest.raises(ConfigError, match="model.path") as refused:
            build(model_config("checkpoint", path=str(path)))
        assert "\n" not in str(refused.value)


def test_a_checkpoint_that_knows_too_few_tokens_is_refused(tmp_path):
    build(tiny("gpt2")).save_pretrained(tmp_path)
    with pytest.raises(ConfigError, match="vocabulary is smaller than the tokenizer's 65"):
        models.build(model_config("checkpoint", path=str(tmp_path)), 65, 0, 0)
