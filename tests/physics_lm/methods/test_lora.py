from dataclasses import replace

import pandas as pd
import pins
import pytest
import torch
from kind_configs import model_config
from transformers import AutoModelForCausalLM

from data_gen.errors import ConfigError
from physics_lm import models
from physics_lm.methods import lora
from physics_lm.plan import plan
from physics_lm.run import execute
from physics_lm.store.artifacts import Store
from physics_lm.training.loop import Training

KINDS = ["gpt2", "gpt2_rotary", "llama", "mistral"]
IDS = torch.randint(0, 60, (3, 9), generator=torch.Generator().manual_seed(0))
WIDTH, HEADS, RANK = 32, 2, 3


def build(kind):
    return models.build(model_config(kind, 2, WIDTH, HEADS, 32), 60, 0, 1)


def batches(step):
    rows = torch.randint(0, 60, (4, 12), generator=torch.Generator().manual_seed(step)).int().numpy()
    return {"input_ids": rows, "labels": rows}


def tuned(kind, tmp_path, rank=RANK, embedding_rank=5, weight_decay=0.1):
    """Return the adapted model after a few steps, on the CPU, in evaluation mode."""
    settings = lora.Config(steps=8, batch=4, lr=0.02, weight_decay=weight_decay, precision="fp32")
    settings = replace(settings, rank=rank, embedding_rank=embedding_rank)
    model = lora.attach(build(kind), settings, 7)
    Training(model, batches, settings, tmp_path).run("test")
    return model.cpu().eval()


@torch.no_grad()
def logits(model, ids=IDS):
    return model(input_ids=ids).logits


def parts(kind, update_OxI):
    """Return the queries', keys' and values' rows of a joint matrix, each (width, width)."""
    groups = HEADS if kind == "gpt2_rotary" else 1
    return update_OxI.view(groups, 3, -1, WIDTH).transpose(0, 1).reshape(3, WIDTH, WIDTH)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("embedding_rank", [0, 5])
def test_the_merged_model_is_the_adapters_saved_untied(kind, tmp_path, embedding_rank):
    model = tuned(kind, tmp_path, embedding_rank=embedding_rank)
    expected = logits(model)
    assert not torch.allclose(expected, logits(build(kind).eval()), atol=1e-2)
    lora.finish(model).model.save_pretrained(tmp_path / "saved")
    saved = AutoModelForCausalLM.from_pretrained(tmp_path / "saved").eval()
    torch.testing.assert_close(logits(saved), expected, atol=1e-5, rtol=1e-4)
    assert not hasattr(saved, "peft_config")
    embedding, head, before = (m.weight for m in (saved.get_input_embeddings(), saved.get_output_embeddings(),
                                                  build(kind).get_input_embeddings()))  # fmt: skip
    assert torch.equal(head, before)
    assert torch.equal(embedding, before) == (embedding_rank == 0)


@pytest.mark.parametrize("kind", KINDS)
def test_an_adapted_model_starts_as_the_model_itself(kind):
    assert torch.equal(
        logits(lora.attach(build(kind), lora.Config(rank=RANK, embedding_rank=5), 7).eval()), logits(build(kind).eval())
    )


@pytest.mark.parametrize("kind", KINDS)
def test_only_queries_values_and_the_embedding_change(kind, tmp_path):
    before = dict(build(kind).named_parameters())
    after = dict(lora.finish(tuned(kind, tmp_path)).model.named_parameters())
    changed = {name.split(".")[-2] for name in before if not torch.equal(before[name], after[name])}
    joint = {"gpt2": {"c_attn", "wte"}, "gpt2_rotary": {"query_key_value", "embed_in"}}
    assert changed == joint.get(kind, {"q_proj", "v_proj", "embed_tokens"})


@pytest.mark.parametrize(("kind", "name"), [("gpt2", "c_attn"), ("gpt2_rotary", "query_key_value")])
def test_in_one_matrix_the_keys_stay_and_queries_and_values_keep_their_rank(kind, name, tmp_path):
    before = dict(build(kind).named_parameters())
    after = dict(lora.finish(tuned(kind, tmp_path)).model.named_parameters())
    for path in (path for path in before if path.endswith(f"{name}.weight")):
        update_OxI = after[path].detach() - before[path].detach()
        queries, keys, values = parts(kind, update_OxI.T if kind == "gpt2" else update_OxI)
        assert torch.equal(keys, torch.zeros_like(keys))
        assert torch.linalg.matrix_rank(queries, atol=1e-4) == torch.linalg.matrix_rank(values, atol=1e-4) == RANK
        assert torch.linalg.matrix_rank(torch.cat([queries, values]), atol=1e-4) == 2 * RANK


@pytest.mark.parametrize(("kind", "name"), [("gpt2", "c_attn"), ("gpt2_rotary", "query_key_value")])
def test_the_rows_taken_for_keys_are_the_keys(kind, name):
    """Scaling what a bias adds to the queries' rows by x and the keys' by 1/x leaves attention as it is."""
    plain, scaled = build(kind).eval(), build(kind).eval()
    for path, module in scaled.named_modules():
        if path.endswith(name):
            matrix = module.weight.data.T if kind == "gpt2" else module.weight.data
            view = matrix.reshape(HEADS if kind == "gpt2_rotary" else 1, 3, -1, WIDTH)
            view[:, 0] *= 4
            view[:, 1] /= 4
            module.weight.data = view.reshape(3 * WIDTH, WIDTH).T.contiguous() if kind == "gpt2" else view.reshape(
                3 * WIDTH, WIDTH
            )  # fmt: skip
    torch.testing.assert_close(logits(scaled), logits(plain), atol=1e-5, rtol=1e-4)


@pytest.mark.parametrize("kind", ["gpt2_rotary", "llama"])
def test_the_update_is_four_times_the_product(kind, tmp_path):
    model = tuned(kind, tmp_path)
    layer = model.get_input_embeddings()
    product = (layer.lora_embedding_B["default"] @ layer.lora_embedding_A["default"]).T
    before = layer.base_layer.weight.detach().clone()
    after = lora.finish(model).model.get_input_embeddings().weight
    torch.testing.assert_close(after - before, 4 * product, atol=1e-5, rtol=1e-3)


def test_the_seed_decides_the_factors_and_no_global_state():
    state = torch.get_rng_state()
    first, again, other = (
        dict(lora.attach(build("llama"), lora.Config(rank=2, embedding_rank=4), seed).named_parameters())
        for seed in (1, 1, 2)
    )
    assert torch.equal(torch.get_rng_state(), state)
    assert all(torch.equal(first[name], again[name]) for name in first)
    assert not all(torch.equal(first[name], other[name]) for name in first)


def test_impossible_ranks_and_foreign_models_are_refused(smoke, tmp_path):
    with pytest.raises(ConfigError, match="at most the model's width, 32"):
        lora.attach(build("llama"), lora.Config(rank=33, embedding_rank=0), 0)
    odd = build("llama")
    for layer in odd.model.layers:
        del layer.self_attn.q_proj
    with pytest.raises(ConfigError, match="no query and value matrices are known in LlamaForCausalLM"):
        lora.attach(odd, lora.Config(rank=2, embedding_rank=0), 0)


@pytest.mark.parametrize(
    ("override", "named"),
    [
        ("finetune.rank=0", "finetune.rank=0"),
        ("finetune.rank=33", "finetune.rank=33: at most model.width=32"),
        ("finetune.embedding_rank=-1", "finetune.embedding_rank=-1"),
        ("finetune.embedding_rank=33", "finetune.embedding_rank=33"),
        ("finetune.optimizer=muon", "finetune.optimizer=muon"),
    ],
)
def test_bad_settings_are_refused_before_any_work(smoke, tmp_path, override, named):
    with pytest.raises(ConfigError, match=named):
        execute(smoke("finetune=lora", override), tmp_path / "lab")
    assert not (tmp_path / "lab").exists()


def test_a_run_with_lora_goes_all_the_way_and_holds_people_out(smoke, tmp_path):
    config = smoke("corpus=single", "finetune=lora", "questions.held_share=0.3", "prior=lora")
    rows = pd.read_parquet(execute(config, tmp_path) / "rows.parquet")
    people = {split: set(part["person"]) for split, part in rows[rows["task"] == "extraction"].groupby("split")}
    assert set(people) == {"train", "held", "test"}
    assert sum(map(len, people.values())) == len(set.union(*people.values())) == config.world.people
    chain, store = plan(config), Store(tmp_path)
    manifest = store.manifest(chain["finetune"])
    layers, width = 1, 32
    model = AutoModelForCausalLM.from_pretrained(store.folder(chain["finetune"]))
    vocabulary = model.config.vocab_size
    assert manifest["trained"] == layers * 16 * (width + 3 * width) + 16 * (vocabulary + width)
    assert store.manifest(chain["pretrain"])["trained"] == store.manifest(chain["pretrain"])["parameters"]


def test_the_version_and_the_factors_that_are_trained_change_together():
    model = lora.attach(build("gpt2_rotary"), lora.Config(rank=3, embedding_rank=5), 7)
    factors = [[name, list(weight.shape)] for name, weight in model.named_parameters() if weight.requires_grad]
    adapters = [module for module in model.modules() if isinstance(getattr(module, "scaling", None), dict)]
    scales = [module.scaling["default"] for module in adapters]
    assert pins.pinned(lora, [factors, scales]) == (1, "91a687f3cae733b0")
