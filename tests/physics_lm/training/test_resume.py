"""kill -9 at any moment, then the same command: the same bits as a run never killed."""

import hashlib
import os
import random
import subprocess
import sys
import time
from pathlib import Path

import pandas as pd
import pytest

pytestmark = pytest.mark.slow
ROOT = Path(__file__).resolve().parents[3]
WORDS = ["scale=smoke", "corpus=single", "seed=5", "pretrain.steps=150", "pretrain.save_every=5", "finetune.steps=100"]
ENV = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}


def start(folder):
    command = [sys.executable, "-m", "experiments.run", *WORDS, "finetune.save_every=5"]
    return subprocess.Popen(command, cwd=folder, env=ENV, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def outputs(folder):
    paths = sorted([*folder.glob("lab/artifacts/*/*/model.safetensors"), *folder.glob("lab/artifacts/*/*/*.parquet")])
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in paths}


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory):
    folder = tmp_path_factory.mktemp("undisturbed")
    assert start(folder).wait(timeout=300) == 0
    return folder


def kill_in(step, folder, wait):
    """Start the command and kill it `wait` seconds after a resumable state of the step appeared."""
    process = start(folder)
    until = time.monotonic() + 200
    while not list(folder.glob(f"lab/partial/{step}/*/state/state.pt")):
        assert process.poll() is None, "the run ended before it could be killed"
        assert time.monotonic() < until
        time.sleep(0.005)
    time.sleep(wait)
    process.kill()
    process.wait()


@pytest.mark.parametrize("step", ["pretrain", "finetune"])
def test_a_run_killed_in_the_middle_ends_in_the_same_bits(undisturbed, tmp_path, step):
    moments = random.Random(step)
    for _ in range(2):
        kill_in(step, tmp_path, moments.uniform(0, 0.1))
        assert not list(tmp_path.glob(f"lab/artifacts/{step}/*"))
        assert not list(tmp_path.glob("lab/artifacts/probe/*"))
    assert start(tmp_path).wait(timeout=300) == 0
    assert outputs(tmp_path) == outputs(undisturbed)
    manifest = next(tmp_path.glob(f"lab/artifacts/{step}/*/manifest.json")).read_text()
    assert '"resumed_at": 0' not in manifest
    rows = [pd.read_parquet(next(lab.glob("lab/artifacts/probe/*/rows.parquet"))) for lab in (tmp_path, undisturbed)]
    pd.testing.assert_frame_equal(*rows)
    assert not list(tmp_path.glob("lab/damaged/*"))
    assert not list(tmp_path.glob("lab/partial/*/*"))


def test_a_run_killed_before_its_first_checkpoint_ends_in_the_same_bits(undisturbed, tmp_path):
    process = start(tmp_path)
    while not list(tmp_path.glob("lab/partial/corpus/*")) and process.poll() is None:
        time.sleep(0.005)
    process.kill()
    process.wait()
    assert not list(tmp_path.glob("lab/artifacts/probe/*"))
    assert start(tmp_path).wait(timeout=300) == 0
    assert outputs(tmp_path) == outputs(undisturbed)
