"""A stack of trainings ends where each would have ended alone."""

import numpy as np
import pytest
import torch
from kind_configs import model_config

from physics_lm import device, job_scheduler, models
from physics_lm.config.training import TrainConfig
from physics_lm.data.batches import IGNORE
from physics_lm.inference import batched_forward
from physics_lm.kernels import compiling
from physics_lm.training.loop import DivergedError, Training
from physics_lm.training.stacking.stack import Stack, shape, train

BASE = TrainConfig(
    steps=12, batch=4, lr=3e-3, optimizer="muon", warmup=2, save_every=4, precision="fp32", weight_decay=0.1
)


class KilledError(Exception):
    """Stands for kill -9 between two steps."""


def batches(seed, killed_at=None):
    """Return batches whose length and labels differ by seed and step, as those of questions do."""

    def batch(step):
        if step == killed_at:
            raise KilledError
        rng = np.random.default_rng([seed, step])
        rows = rng.integers(1, 32, (4, int(rng.integers(8, 13)))).astype(np.int32)
        labels = np.where(rows % (2 + seed) == 0, IGNORE, rows).astype(np.int32)
        return {"input_ids": rows, "labels": labels}

    return batch


@pytest.fixture(autouse=True)
def exact(monkeypatch):
    """Let Muon iterate in fp32, so that two ways to compute a step can be compared."""
    monkeypatch.setattr(device, "has_fast_bf16", lambda device: False)


def loop(folder, seed, killed_at=None, dropout=0.0, **changes):
    folder.mkdir(exist_ok=True, parents=True)
    model = models.build(model_config("gpt2_rotary", 2, 16, 2, 32, dropout), 32, 0, seed)
    config = TrainConfig(**{**BASE.__dict__, **changes})
    return Training(model, batches(seed, killed_at), config, folder)


WAYS = [
    {"lr": 3e-3, "matrix_lr": 0.02},
    {"lr": 1e-3, "matrix_lr": 0.05, "weight_decay": 0.0},
    {"warmup": 5, "clip": 0.1},
]


def assert_alike(loop, other):
    assert [point["step"] for point in loop.curve] == [point["step"] for point in other.curve]
    for name in ("loss", "lr"):
        numbers, other_numbers = ([point[name] for point in x.curve] for x in (loop, other))
        assert numbers == pytest.approx(other_numbers, rel=2e-4)
    for (name, first), second in zip(loop.model.named_parameters(), other.model.parameters(), strict=True):
        assert torch.allclose(first, second, atol=2e-4), name


@pytest.fixture(params=["threads", "vmap"])
def stack(request):
    return lambda loops: Stack(loops, vmapped=request.param == "vmap")


@pytest.mark.parametrize("optimizer", ["adamw", "muon"])
def test_each_run_of_a_stack_ends_where_it_would_have_ended_alone(tmp_path, stack, optimizer):
    loops = [loop(tmp_path / f"{seed}", seed, optimizer=optimizer, **way) for seed, way in enumerate(WAYS)]
    curves = stack(loops).run("test")
    for seed, way in enumerate(WAYS):
        alone = loop(tmp_path / f"alone{seed}", seed, optimizer=optimizer, **way)
        alone.run("test")
        assert curves[seed] is loops[seed].curve
        assert_alike(loops[seed], alone)
    weights = [param for each in loops for param in each.model.parameters()]
    assert len({param.untyped_storage().data_ptr() for param in weights}) == len(weights)


def fixed(seed):
    """Return batches of one length, as windows are; some labels are left out."""

    def batch(step):
        rows = np.random.default_rng([seed, step]).integers(1, 32, (4, 12)).astype(np.int32)
        labels = np.where(rows % (2 + seed) == 0, IGNORE, rows).astype(np.int32)
        return {"input_ids": rows, "labels": labels}

    return batch


@pytest.mark.slow
def test_a_compiled_stack_is_the_same_stack(tmp_path, monkeypatch):
    monkeypatch.setenv("TORCHINDUCTOR_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.setattr(compiling, "is_worthwhile", lambda config, device: True)
    loops = [loop(tmp_path / f"{seed}", seed, **way) for seed, way in enumerate(WAYS)]
    alone = [loop(tmp_path / f"alone{seed}", seed, **way) for seed, way in enumerate(WAYS)]
    for seed, (stacked, single) in enumerate(zip(loops, alone, strict=True)):
        stacked.batches = single.batches = fixed(seed)
    Stack(loops, vmapped=True).run("test")
    for stacked, single in zip(loops, alone, strict=True):
        single.run("test")
        assert stacked.compiled == "yes"
        assert_alike(stacked, single)


def test_a_run_that_diverges_touches_no_other(tmp_path, stack):
    ways = [{}, {"lr": 1e30, "optimizer": "muon"}, {}]
    loops = [loop(tmp_path / f"{seed}", seed, steps=60, **way) for seed, way in enumerate(ways)]
    first, second, third = stack(loops).run("test")
    assert isinstance(second, DivergedError)
    assert len(first) == len(third) == 60
    for seed in (0, 2):
        alone = loop(tmp_path / f"alone{seed}", seed, steps=60)
        alone.run("test")
        assert_alike(loops[seed], alone)


def test_a_killed_stack_goes_on_alone_or_stacked(tmp_path, stack):
    with pytest.raises(KilledError):
        stack([loop(tmp_path / "0", 0), loop(tmp_path / "1", 1, killed_at=7)]).run("test")
    resumed = [loop(tmp_path / f"{seed}", seed) for seed in (0, 1)]
    assert [each.step for each in resumed] == [4, 4]
    resumed[0].run("test")
    again = [loop(tmp_path / "1", 1), loop(tmp_path / "1", 1)]
    stack(again).run("test")
    for seed, each in ((0, resumed[0]), (1, again[0]), (1, again[1])):
        alone = loop(tmp_path / f"alone{seed}", seed)
        alone.run("test")
        assert_alike(each, alone)
    assert (tmp_path / "0" / "state.pt").stat().st_size < 3 * 4 * sum(p.numel() for p in alone.model.parameters()) + 9e4


def test_what_cannot_be_stacked_is_of_no_others_shape(tmp_path):
    one, same = loop(tmp_path / "a", 0), loop(tmp_path / "b", 1, lr=1.0, matrix_lr=1.0)
    assert shape(one) == shape(same)
    changes = ({"dropout": 0.1}, {"steps": 13}, {"batch": 2})
    different = [loop(tmp_path / f"c{number}", 0, **change) for number, change in enumerate(changes)]
    wider = Training(models.build(model_config("gpt2_rotary", 2, 32, 2, 32), 32, 0, 0), batches(0), BASE, tmp_path)
    llama = Training(models.build(model_config("llama", 2, 16, 2, 32), 32, 0, 0), batches(0), BASE, tmp_path)
    lossy = Training(one.model, batches(0), BASE, tmp_path, loss=lambda *_: torch.zeros(()))
    shapes = [shape(each) for each in (one, *different, wider, llama, lossy)]
    assert len(set(shapes)) == len(shapes)


def test_a_job_with_dropout_ends_among_others_where_it_would_have_ended_alone(tmp_path):
    def job(folder, seed):
        torch.manual_seed(seed)  # as the steps of a run do
        return train(loop(folder, seed, dropout=0.2), "test")

    alone = [job(tmp_path / f"alone{seed}", seed) for seed in range(3)]
    among = job_scheduler.run_jobs([lambda seed=seed: job(tmp_path / f"{seed}", seed) for seed in range(3)], 3)
    assert among == alone


def test_jobs_that_meet_train_as_a_stack_and_get_their_own_curves(tmp_path):
    loops = [loop(tmp_path / f"{seed}", seed) for seed in range(2)]
    odd = loop(tmp_path / "odd", 5, steps=5)
    jobs = [lambda each=each: train(each, "test") for each in (*loops, odd)]
    curves = job_scheduler.run_jobs(jobs, 3)
    assert [each.stack_size for each in (*loops, odd)] == [2, 2, 1]
    assert [len(curve) for curve in curves] == [12, 12, 5]


def test_models_evaluated_together_give_the_predictions_of_each_alone(monkeypatch):
    built = [models.build(model_config("gpt2_rotary", 2, 16, 2, 32), 32, 0, seed).eval() for seed in range(3)]
    ids_of_models = [torch.randint(1, 32, (2 + seed, 6 + seed)) for seed in range(3)]
    alone = [batched_forward.predict(model, ids) for model, ids in zip(built, ids_of_models, strict=True)]
    pairs = list(zip(built, ids_of_models, strict=True))
    threaded = job_scheduler.run_jobs([lambda pair=pair: batched_forward.predict(*pair) for pair in pairs], 3)
    monkeypatch.setattr(device, "uses_threads", lambda device: False)
    vmapped = job_scheduler.run_jobs([lambda pair=pair: batched_forward.predict(*pair) for pair in pairs], 3)
    for single, *batched in zip(alone, threaded, vmapped, strict=True):
        for results in batched:
            for array, expected in zip(single, results, strict=True):
                np.testing.assert_allclose(array, expected, atol=1e-5)
