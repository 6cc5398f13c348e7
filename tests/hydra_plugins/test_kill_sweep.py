"""A sweep after kill -9 of a worker, the launcher or everything gives the rows of one that was never disturbed."""

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pandas as pd
import pytest

from experiments import status
from experiments.launch.ledger import Ledger

pytestmark = pytest.mark.slow
ROOT = Path(__file__).resolve().parents[2]
ENV = {**os.environ, "PYTHONPATH": str(ROOT)}
WORDS = ["-m", "scale=smoke", "corpus=single,multi2", "seed=5", "pretrain.steps=150", "pretrain.save_every=5"]
WORDS += ["finetune.steps=40", "finetune.save_every=5", "hydra.launcher.n_jobs=2", "hydra.launcher.threads=1"]


def start(folder):
    """Start the sweep, as the leader of a process group."""
    command = [sys.executable, "-m", "experiments.run", *WORDS]
    pipes = {"stdout": subprocess.DEVNULL, "stderr": subprocess.PIPE, "text": True}
    return subprocess.Popen(command, cwd=folder, env=ENV, start_new_session=True, preexec_fn=_allow_interrupts, **pipes)


def _allow_interrupts():
    """Restore the handling of SIGINT, which a test process that was started in the background ignores."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def finish(process):
    _, err = process.communicate(timeout=400)
    return process.returncode, err


def rows(folder):
    paths = sorted(folder.glob("lab/artifacts/probe/*/rows.parquet"))
    assert len(paths) == 2
    return pd.concat([pd.read_parquet(path) for path in paths], ignore_index=True)


def wait_for_states(folder, process, jobs=1):
    """Wait until `jobs` jobs have saved a training state to resume from; return their process ids."""
    until = time.monotonic() + 200
    while len(list(folder.glob("lab/partial/pretrain/*/state/state.pt"))) < jobs:
        assert process.poll() is None, "the sweep ended before it could be killed"
        assert time.monotonic() < until
        time.sleep(0.005)
    return [entry.pid for entry in Ledger(folder / "lab").entries() if entry.state == "running"]


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory):
    folder = tmp_path_factory.mktemp("undisturbed")
    code, err = finish(start(folder))
    assert code == 0, err
    return rows(folder)


def check_same(folder, undisturbed):
    """Run the same command to its end; check that it leaves the rows of an undisturbed sweep."""
    code, err = finish(start(folder))
    assert code == 0, err
    pd.testing.assert_frame_equal(rows(folder), undisturbed)
    assert {entry.state for entry in Ledger(folder / "lab").entries()} == {"done"}
    assert not list(folder.glob("lab/damaged/*"))
    assert not list(folder.glob("lab/partial/*/*"))
    return err


def test_a_killed_worker_is_reported_and_stops_no_other(undisturbed, tmp_path):
    process = start(tmp_path)
    victim = wait_for_states(tmp_path, process)[0]
    os.kill(victim, signal.SIGKILL)
    code, err = finish(process)
    assert code == 1
    assert "killed by signal 9" in err
    assert "peak memory" in err
    entries = {entry.pid: entry for entry in Ledger(tmp_path / "lab").entries()}
    assert sorted(entry.state for entry in entries.values()) == ["done", "failed"]
    assert "killed by signal 9" in status.table(Ledger(tmp_path / "lab"), time.time())
    check_same(tmp_path, undisturbed)


def test_a_killed_launcher_takes_its_workers_along(undisturbed, tmp_path):
    process = start(tmp_path)
    pids = wait_for_states(tmp_path, process)
    process.kill()
    process.wait()
    until = time.monotonic() + 30
    while any(Path(f"/proc/{pid}").exists() for pid in pids):
        assert time.monotonic() < until
        time.sleep(0.02)
    assert "interrupted" in status.table(Ledger(tmp_path / "lab"), time.time())
    check_same(tmp_path, undisturbed)
    manifests = [path.read_text() for path in tmp_path.glob("lab/artifacts/pretrain/*/manifest.json")]
    assert any('"resumed_at": 0' not in text for text in manifests)


@pytest.mark.parametrize("interrupt", [os.killpg, os.kill], ids=["as a terminal does", "the launcher alone"])
def test_an_interrupt_ends_the_workers_too_and_says_one_line(undisturbed, tmp_path, interrupt):
    process = start(tmp_path)
    pids = wait_for_states(tmp_path, process)
    interrupt(process.pid, signal.SIGINT)
    code, err = finish(process)
    assert (code, err) == (130, "stopped: the same command goes on from here\n")
    assert not any(Path(f"/proc/{pid}").exists() for pid in pids)
    check_same(tmp_path, undisturbed)


def test_everything_killed_at_any_moment(undisturbed, tmp_path):
    moments = random.Random(0)
    for wait in (0, moments.uniform(1, 8), moments.uniform(4, 14)):
        process = start(tmp_path)
        if wait:
            time.sleep(wait)  # on a fast machine the last may find it done: what is complete stays so
        else:
            wait_for_states(tmp_path, process)
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    check_same(tmp_path, undisturbed)


def test_two_launchers_on_one_sweep_join(undisturbed, tmp_path):
    first = start(tmp_path)
    wait_for_states(tmp_path, first)
    errors = check_same(tmp_path, undisturbed)  # the second one
    code, err = finish(first)
    assert code == 0, err
    assert "joined" in errors
    pd.testing.assert_frame_equal(rows(tmp_path), undisturbed)
