"""The loss is compiled where that saves time; without a compiler a training continues, with a warning."""

import numpy as np
import pytest
import torch
from kind_configs import model_config

from physics_lm import job_scheduler, models
from physics_lm.config.training import FinetuneConfig, PretrainConfig, TrainConfig
from physics_lm.kernels import compiling
from physics_lm.objectives._shared import next_token
from physics_lm.training.loop import Training

ROWS = np.random.default_rng(0).integers(1, 32, (4, 12)).astype(np.int32)
BATCH = {"input_ids": ROWS, "labels": ROWS}


def trained(folder, compile, precision="fp32"):
    folder.mkdir()
    config = TrainConfig(steps=3, batch=4, warmup=0, save_every=9, precision=precision, compile=compile)
    loop = Training(
        models.build(model_config("gpt2_rotary", 1, 16, 2, 16), 32, 0, 0),
        lambda _: BATCH,
        config,
        folder,
    )
    loop.run("test")
    return loop


def test_it_is_enabled_for_long_trainings_on_a_gpu_and_where_the_config_says_so():
    cpu, gpu = torch.device("cpu"), torch.device("cuda")
    assert not compiling.is_enabled(PretrainConfig(), cpu)
    assert compiling.is_enabled(PretrainConfig(), gpu)
    assert not compiling.is_enabled(PretrainConfig(steps=10), gpu)
    assert not compiling.is_enabled(FinetuneConfig(), gpu)  # batches of questions vary in length
    assert compiling.is_enabled(TrainConfig(compile="always"), cpu)
    assert not compiling.is_enabled(PretrainConfig(compile="never"), gpu)
    in_job = job_scheduler.run_jobs([lambda: compiling.is_enabled(PretrainConfig(), gpu)], 1)
    assert in_job == [False]  # jobs are compiled as a stack
    assert compiling.is_worthwhile(PretrainConfig(), gpu)
    assert not compiling.is_worthwhile(PretrainConfig(compile="never"), gpu)


def test_without_a_compiler_training_goes_on_and_says_so(tmp_path, monkeypatch, caplog):
    def broken(*_):
        raise RuntimeError("no compiler\nfound here")

    monkeypatch.setattr(torch, "compile", broken)
    loop = trained(tmp_path / "a", "always")
    assert loop.compiled == "no: RuntimeError: no compiler"
    assert "uncompiled" in caplog.text
    plain = trained(tmp_path / "b", "never")
    assert plain.compiled == "no"
    assert [p["loss"] for p in loop.curve] == pytest.approx([p["loss"] for p in plain.curve], rel=1e-5)


@pytest.mark.slow
@pytest.mark.parametrize(("precision", "rel"), [("fp32", 1e-4), ("bf16", 1e-2)])
def test_a_compiled_training_is_the_same_training(precision, rel, tmp_path, monkeypatch):
    monkeypatch.setenv("TORCHINDUCTOR_CACHE_DIR", str(tmp_path / "cache"))
    loop, plain = (trained(tmp_path / how, how, precision) for how in ("always", "never"))
    assert loop.compiled == "yes"
    assert loop.loss is not next_token.loss
    assert [p["loss"] for p in loop.curve] == pytest.approx([p["loss"] for p in plain.curve], rel=rel)
    assert any((tmp_path / "cache").iterdir())


def test_the_cache_is_kept_in_the_lab_unless_it_is_elsewhere(tmp_path, monkeypatch):
    monkeypatch.delenv("TORCHINDUCTOR_CACHE_DIR", raising=False)
    compiling.set_cache_dir(tmp_path)
    compiling.set_cache_dir(tmp_path / "other")
    assert compiling.os.environ["TORCHINDUCTOR_CACHE_DIR"] == str(tmp_path / "compiled")
