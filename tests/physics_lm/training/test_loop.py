import logging
import math

import numpy as np
import pytest
import torch
from kind_configs import model_config

from physics_lm import models
from physics_lm.config.training import TrainConfig
from physics_lm.objectives._shared import next_token
from physics_lm.training.loop import DivergedError, Training
from physics_lm.training.optimizers import build_optimizers
from physics_lm.training.schedules import rate

KINDS = ["gpt2", "gpt2_rotary", "llama", "mistral"]
TEXTS = np.random.default_rng(0).integers(1, 32, (6, 12)).astype(np.int32)


class KilledError(Exception):
    """Stands for kill -9 between two steps."""


def tiny(kind="gpt2_rotary", dropout=0.0):
    return models.build(model_config(kind, 2, 16, 2, 32, dropout), 32, 0, 0)


def settings(**changes):
    base = {"steps": 12, "batch": 4, "lr": 3e-3, "optimizer": "muon", "warmup": 2, "save_every": 4, "precision": "fp32"}
    return TrainConfig(**{**base, **changes})


def batches(step):
    rows = TEXTS[np.random.default_rng(step).integers(0, len(TEXTS), 4)]
    return {"input_ids": rows, "labels": rows}


def killed_at(step):
    def until(now):
        if now == step:
            raise KilledError
        return batches(now)

    return until


def trained(state, config, feed=batches, model=None):
    state.mkdir(exist_ok=True)
    loop = Training(model or tiny(), feed, config, state)
    loop.run("test")
    return loop


def weights(loop):
    return {name: value.clone() for name, value in loop.model.state_dict().items()}


def assert_same(first, second):
    assert first.curve == second.curve
    for name, value in weights(first).items():
        assert torch.equal(value, weights(second)[name]), name


def test_the_rate_rises_then_falls_to_the_final_share():
    config = settings(steps=110, warmup=10, final=0.1)
    assert rate(config, 0) == pytest.approx(0.1)
    assert rate(config, 4) == pytest.approx(0.5)
    assert rate(config, 9) == rate(config, 10) == 1.0
    assert rate(config, 60) == pytest.approx(0.55)
    assert rate(config, 110) == pytest.approx(0.1)
    falling = [rate(config, step) for step in range(10, 111)]
    assert falling == sorted(falling, reverse=True)


@pytest.mark.parametrize(("warmup", "steps"), [(0, 5), (5, 5), (0, 1)])
def test_the_rate_is_a_share_at_the_edges(warmup, steps):
    config = settings(warmup=warmup, steps=steps, final=0.0)
    assert all(0 <= rate(config, step) <= 1 for step in range(steps + 1))
    assert max(rate(config, step) for step in range(steps)) == 1.0


@pytest.mark.parametrize("optimizer", ["adamw", "muon"])
def test_every_group_follows_the_rate_and_the_curve_says_so(tmp_path, optimizer):
    config = settings(optimizer=optimizer, matrix_lr=0.01, steps=7)
    loop = trained(tmp_path, config)
    last = [group["lr"] for opt in loop.optimizers for group in opt.param_groups]
    peaks = [config.lr, 0.01][: len(last)]
    assert last == pytest.approx([peak * rate(config, 6) for peak in peaks])
    assert [row["step"] for row in loop.curve] == list(range(7))
    assert [row["lr"] for row in loop.curve] == [config.lr * rate(config, step) for step in range(7)]


@pytest.mark.parametrize("kind", KINDS)
def test_muon_gets_the_hidden_matrices_and_nothing_else(kind):
    model = tiny(kind)
    names = {id(parameter): name for name, parameter in model.named_parameters()}
    adam, muon = build_optimizers(model, settings(optimizer="muon"))
    groups = [[names[id(p)] for group in opt.param_groups for p in group["params"]] for opt in (adam, muon)]
    assert sorted(groups[0] + groups[1]) == sorted(names.values())
    assert not [name for name in groups[1] if any(part in name for part in ("embed", "wte", "wpe", "norm", "ln_"))]
    matrices = [name for name, parameter in model.named_parameters() if parameter.ndim == 2]
    outside = [name for name in matrices if any(part in name for part in ("embed", "wte", "wpe"))]
    assert sorted(groups[1]) == sorted(set(matrices) - set(outside))
    assert outside


def test_adamw_gets_everything_with_the_configs_settings():
    model = tiny()
    (adam,) = build_optimizers(model, settings(optimizer="adamw", beta1=0.8, beta2=0.9, eps=1e-5, weight_decay=0.3))
    assert sum(len(group["params"]) for group in adam.param_groups) == len(list(model.parameters()))
    group = adam.param_groups[0]
    assert (group["betas"], group["eps"], group["weight_decay"]) == ((0.8, 0.9), 1e-5, 0.3)


def test_the_loss_falls_on_a_text_that_is_memorised(tmp_path):
    loop = trained(tmp_path, settings(steps=120, lr=1e-2, matrix_lr=0.05, warmup=5))
    losses = [row["loss"] for row in loop.curve]
    assert losses[0] == pytest.approx(math.log(64), abs=0.3)  # 32 ids, padded to 64
    assert losses[-1] < 0.5 * losses[0]


def test_the_loss_is_over_learned_tokens_only():
    model = tiny().eval()
    inputs = torch.from_numpy(TEXTS[:2]).long()
    labels = inputs.clone()
    labels[:, :5] = -100
    logprob = model(input_ids=inputs).logits.log_softmax(-1)
    expected = -torch.stack([logprob[b, t - 1, inputs[b, t]] for b in range(2) for t in range(5, 12)]).mean()
    assert next_token.loss(model, {"input_ids": inputs, "labels": labels}).item() == pytest.approx(
        expected.item(), rel=1e-5
    )


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
@pytest.mark.parametrize("optimizer", ["adamw", "muon"])
@pytest.mark.parametrize("step", [3, 4, 7, 11])
def test_a_killed_run_ends_in_the_same_bits(tmp_path, step, optimizer, precision):
    config = settings(optimizer=optimizer, precision=precision)
    whole = trained(tmp_path / "whole", config)
    with pytest.raises(KilledError):
        trained(tmp_path / "killed", config, killed_at(step))
    resumed = trained(tmp_path / "killed", config)
    assert resumed.resumed_at == step // 4 * 4
    assert_same(resumed, whole)


def test_a_run_killed_twice_ends_in_the_same_bits(tmp_path):
    whole = trained(tmp_path / "whole", settings())
    for step in (6, 10):
        with pytest.raises(KilledError):
            trained(tmp_path / "killed", settings(), killed_at(step))
    assert_same(trained(tmp_path / "killed", settings()), whole)


def test_the_generator_goes_on_where_it_was(tmp_path):
    torch.manual_seed(1)
    whole = trained(tmp_path / "whole", settings(), model=tiny(dropout=0.2))
    torch.manual_seed(1)
    with pytest.raises(KilledError):
        trained(tmp_path / "killed", settings(), killed_at(6), model=tiny(dropout=0.2))
    torch.manual_seed(99)
    assert_same(trained(tmp_path / "killed", settings(), model=tiny(dropout=0.2)), whole)


def test_save_every_changes_how_not_what(tmp_path):
    often, never = settings(save_every=1), settings(save_every=1000)
    assert_same(trained(tmp_path / "often", often), trained(tmp_path / "never", never))


def poisoned_at(step, model):
    def feed(now):
        if now == step:
            with torch.no_grad():
                next(model.parameters()).fill_(float("nan"))
        return batches(now)

    return feed


def test_a_nan_loss_names_the_step_and_says_that_nothing_was_saved(tmp_path):
    model = tiny()
    with pytest.raises(DivergedError, match="at step 0; the last good checkpoint is none"):
        trained(tmp_path, settings(), poisoned_at(0, model), model)
    assert not list(tmp_path.iterdir())


def test_a_nan_loss_names_the_last_good_checkpoint(tmp_path):
    model = tiny()
    with pytest.raises(DivergedError, match=r"nan at step 6; .*state\.pt; lower the learning rate"):
        trained(tmp_path, settings(), poisoned_at(6, model), model)
    state = torch.load(tmp_path / "state.pt", weights_only=True)
    assert state["step"] == 4
    assert all(value.isfinite().all() for value in state["model"].values())


def test_a_nan_loss_is_never_saved(tmp_path):
    model = tiny()
    with pytest.raises(DivergedError, match="at step 6"):
        trained(tmp_path, settings(save_every=7), poisoned_at(6, model), model)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("damage", [lambda whole: whole[: len(whole) // 2], lambda whole: b"", lambda whole: b"noise"])
def test_a_damaged_state_is_said_and_costs_only_time(tmp_path, caplog, damage):
    whole = trained(tmp_path / "whole", settings())
    with pytest.raises(KilledError):
        trained(tmp_path / "killed", settings(), killed_at(6))
    state = tmp_path / "killed" / "state.pt"
    state.write_bytes(damage(state.read_bytes()))
    with caplog.at_level(logging.WARNING):
        resumed = trained(tmp_path / "killed", settings())
    assert "state.pt cannot be read" in caplog.text
    assert resumed.resumed_at == 0
    assert_same(resumed, whole)


def test_precision_is_what_the_config_says(tmp_path):
    for kind in ("fp32", "bf16"):
        assert Training(tiny(), batches, settings(precision=kind), tmp_path).precision == kind
    assert Training(tiny(), batches, settings(precision="auto"), tmp_path).precision in ("fp32", "bf16")
