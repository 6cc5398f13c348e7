import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch

from data_gen.errors import ConfigError
from experiments.launch import sweep
from physics_lm import checks
from physics_lm.config.training import FinetuneConfig, PretrainConfig
from physics_lm.training import distributed
from physics_lm.training.loop import count_targets

ROOT = Path(__file__).resolve().parents[3]
WORDS = ["scale=smoke", "corpus=single", "pretrain.batch=8", "pretrain.precision=fp32", "finetune.precision=fp32"]


@pytest.fixture
def second_of_two(monkeypatch):
    for name, value in {"TORCHELASTIC_RUN_ID": "x", "WORLD_SIZE": "2", "RANK": "1"}.items():
        monkeypatch.setenv(name, value)


def test_outside_torchrun_there_is_one_process(monkeypatch):
    monkeypatch.setenv("WORLD_SIZE", "8")  # a cluster may say so to everyone
    assert (distributed.size(), distributed.rank()) == (1, 0)
    rows = np.arange(6).reshape(3, 2)
    assert distributed.local_rows(rows) is not rows
    np.testing.assert_array_equal(distributed.local_rows(rows), rows)


def test_a_batch_is_divided_without_rest(second_of_two):
    np.testing.assert_array_equal(distributed.local_rows(np.arange(6)), [3, 4, 5])
    distributed.check("pretrain", PretrainConfig(batch=6))
    with pytest.raises(ConfigError, match=r"finetune\.batch=7: must be a multiple of the 2"):
        distributed.check("finetune", FinetuneConfig(batch=7))


def test_objectives_that_mask_by_the_step_are_refused(second_of_two):
    with pytest.raises(ConfigError, match=r"pretrain\.objective=masked: trained by one process only"):
        distributed.check("pretrain", PretrainConfig(batch=6, objective="masked"))


def test_a_batch_that_cannot_be_divided_is_refused_before_any_work(second_of_two, smoke):
    with pytest.raises(ConfigError, match=r"pretrain\.batch=5"):
        checks.check(smoke("pretrain.batch=5"))


def test_a_sweep_under_torchrun_is_refused(second_of_two, tmp_path):
    with pytest.raises(ConfigError, match="without -m"):
        sweep.launch_recorded(None, [])


def test_learned_tokens_are_those_that_are_predicted():
    assert count_targets(torch.tensor([[5, -100, 7], [5, 6, 7]])) == 3


@pytest.mark.slow
def test_two_processes_give_the_losses_of_one_with_the_batch_doubled(tmp_path):
    """Each of the two takes 4 windows a step; the one takes 8. The artifacts are the same ones."""
    torchrun = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2", "-m"]
    curves, models = {}, {}
    for name, command in (("one", [sys.executable, "-m"]), ("two", torchrun)):
        folder = tmp_path / name
        folder.mkdir()
        env = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
        done = subprocess.run(
            [*command, "experiments.run", *WORDS], cwd=folder, env=env, capture_output=True, text=True
        )
        assert done.returncode == 0, done.stderr
        assert done.stdout.count("rows.parquet") == 1
        paths = {path.parent.relative_to(folder): path for path in folder.glob("lab/artifacts/*/*/curve.parquet")}
        assert len(paths) == 2
        curves[name] = {key: pd.read_parquet(path)["loss"] for key, path in paths.items()}
        models[name] = [
            path.read_text().count('"processes": 2') for path in folder.glob("lab/artifacts/pretrain/*/manifest.json")
        ]
    assert curves["one"].keys() == curves["two"].keys()
    for key, loss in curves["one"].items():
        np.testing.assert_allclose(curves["two"][key], loss, rtol=1e-4)
        assert loss.iloc[-1] < loss.iloc[0]
    assert (sum(models["one"]), sum(models["two"])) == (0, 1)
