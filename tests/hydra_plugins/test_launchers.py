"""Hydra's launchers with real processes."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import launcher_jobs
import pytest
from hydra.core.utils import JobReturn, JobStatus

from experiments.launch import sweep
from experiments.launch.config import register
from experiments.launch.hydra_internals import make_launcher
from experiments.launch.ledger import Ledger
from hydra_plugins.physics_lm_launcher import _child, stacked
from physics_lm import results
from physics_lm.store.artifacts import Store

pytestmark = pytest.mark.slow
ROOT = Path(__file__).resolve().parents[2]
register()


def launch(task, seeds, *settings):
    """Run a job for each seed with the launcher that the settings choose."""
    launcher = make_launcher(settings, task)
    return launcher.launch([[f"seed={seed}", *settings] for seed in seeds], initial_job_idx=0)


@pytest.fixture(autouse=True)
def _import_path(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(ROOT))
    folders = [ROOT, ROOT / "tests" / "helpers", ROOT / "tests" / "hydra_plugins"]
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(map(str, folders)))


def test_every_job_has_its_own_process_and_its_share_of_the_threads():
    returns = launch(launcher_jobs.report_process, [3, 4, 5], "hydra.launcher.n_jobs=2")
    results = [result.return_value for result in returns]
    assert [seed for _, _, seed in results] == [3, 4, 5]
    assert len({pid for pid, _, _ in results} | {os.getpid()}) == 4
    assert {threads for _, threads, _ in results} == {str(max(1, len(os.sched_getaffinity(0)) // 2))}
    (only,) = launch(launcher_jobs.report_process, [3], "hydra.launcher.threads=7")
    assert only.return_value[1] == "7"


def test_jobs_find_loaded_what_they_need_and_nothing_of_the_job_before():
    returns = launch(launcher_jobs.mark_process, [1, 2, 3], "hydra.launcher.n_jobs=1")
    results = [result.return_value for result in returns]
    (worker,) = {parent for parent, _, _ in results}
    assert worker != os.getpid()
    assert [(has_torch, was_marked) for _, has_torch, was_marked in results] == [(not _child.has_gpu(), False)] * 3


def test_a_job_that_dies_or_fails_stops_no_other_and_its_peak_memory_is_told():
    killed, fine = launch(launcher_jobs.allocate, [700, 5])
    assert fine.return_value == 1.0
    assert killed.status == JobStatus.FAILED
    assert "killed by signal 9" in str(killed._return_value)
    assert 700 < int(str(killed._return_value).split()[-2].replace(",", "")) < 1500
    failed, fine = launch(launcher_jobs.fail, [1, 2])
    assert (failed.status, str(failed._return_value)) == (JobStatus.FAILED, "ValueError: seed 1 it is")
    assert fine.return_value == 2


def test_a_job_above_its_memory_limit_fails_alone():
    greedy, fine = launch(launcher_jobs.allocate, [2000, 5], "hydra.launcher.memory_gb=2")
    assert greedy.status == JobStatus.FAILED
    assert "MemoryError" in str(greedy._return_value)
    assert fine.return_value == 1.0


@pytest.mark.parametrize("at_once", [1, 2])
def test_an_interrupt_is_for_the_launcher_and_jobs_do_not_hear_it(at_once):
    mask = signal.pthread_sigmask(signal.SIG_BLOCK, ())
    results = launch(launcher_jobs.interrupt, [1, 2], f"hydra.launcher.n_jobs={at_once}")
    assert [result.return_value for result in results] == [1, 2]
    assert signal.pthread_sigmask(signal.SIG_BLOCK, ()) == mask


def test_jobs_end_with_their_launcher(tmp_path):
    script = "import test_launchers as t, launcher_jobs, sys; t.launch(launcher_jobs.sleep, [1, 2], *sys.argv[1:])"
    words = ["hydra.launcher.n_jobs=2", f"paths.lab={tmp_path}"]
    process = subprocess.Popen([sys.executable, "-c", script, *words], cwd=tmp_path)
    pids = [wait_for_pid(tmp_path / f"pid-{seed}", process) for seed in (1, 2)]
    process.kill()
    process.wait()
    until = time.monotonic() + 30
    while any(Path(f"/proc/{pid}").exists() for pid in pids):
        assert time.monotonic() < until, "a job outlives its launcher"
        time.sleep(0.05)


def wait_for_pid(path, process):
    until = time.monotonic() + 120
    while not path.exists():
        assert process.poll() is None
        assert time.monotonic() < until
        time.sleep(0.05)
    return int(path.read_text())


def test_submitit_runs_the_same_jobs_and_a_dead_one_stops_no_other(tmp_path):
    settings = ("hydra/launcher=slurm_local", f"paths.lab={tmp_path / 'lab'}")
    killed, fine = launch(launcher_jobs.allocate, [300, 5], *settings)
    assert fine.return_value == 1.0
    assert killed.status == JobStatus.FAILED
    assert list((tmp_path / "lab" / "submitit").iterdir())


def test_jobs_are_dealt_alike_on_a_cpu_and_neighbours_stay_together_on_a_gpu(monkeypatch):
    monkeypatch.setattr(stacked, "cpu_count", lambda: 2)
    assert stacked.split_jobs(5, 8, 0, gpu=False) == [[0, 2, 4], [1, 3]]
    assert stacked.split_jobs(5, 8, 1, gpu=False) == [[0, 1, 2, 3, 4]]
    assert stacked.split_jobs(1, 8, 0, gpu=False) == [[0]]
    assert stacked.split_jobs(5, 2, 0, gpu=True) == [[0, 1, 4], [2, 3]]
    assert stacked.split_jobs(4, 8, 0, gpu=True) == [[0, 1, 2, 3]]


@pytest.mark.parametrize("workers", [1, 2])
def test_a_stacked_sweep_writes_what_separate_jobs_write_and_a_diverging_job_stops_no_other(tmp_path, workers):
    sweep = ["scale=smoke", "corpus=single,multi5", "seed=0", "pretrain.lr=3e-3,1e30"]
    exact = ["pretrain.optimizer=adamw", "pretrain.precision=fp32", "finetune.precision=fp32"]
    rows_by_launcher, index = {}, ["run", "task", "person", "attribute", "prompt"]
    for launcher in ("stacked", "processes"):
        options = [f"hydra/launcher={launcher}"]
        options += [f"hydra.launcher.workers={workers}"] if launcher == "stacked" else []
        command = [sys.executable, "-m", "experiments.run", "-m", *sweep, *exact, *options]
        process = subprocess.run([*command, f"paths.lab={tmp_path / launcher}"], capture_output=True, text=True)
        assert process.returncode == 1
        assert process.stderr.count("the loss is") == 2
        rows_by_launcher[launcher] = results.load(tmp_path / launcher).set_index(index)
        states = [entry.state for entry in Ledger(tmp_path / launcher).entries()]
        assert sorted(states) == ["done", "done", "failed", "failed"]
    stacked_rows, separate_rows = (rows.sort_index() for rows in rows_by_launcher.values())
    assert stacked_rows.index.equals(separate_rows.index)
    assert (stacked_rows["gold_logprob"] - separate_rows["gold_logprob"]).abs().max() < 1e-2
    assert (stacked_rows["correct"] == separate_rows["correct"]).mean() > 0.99
    models = Store(tmp_path / "stacked").lab / "artifacts" / "finetune"
    assert [json.loads(path.read_text())["stacked"] for path in models.glob("*/manifest.json")] == [2, 2]


def test_one_run_in_two_labs_is_two_jobs_and_the_same_twice_is_said(tmp_path, capsys):
    labs = [tmp_path / "one", tmp_path / "two"]
    jobs = [["scale=smoke", "corpus=single", f"paths.lab={lab}"] for lab in labs]
    launcher = type("Noting", (), {"launch": lambda self, overrides, initial_job_idx: launched.extend(overrides) or [
        JobReturn(status=JobStatus.COMPLETED, _return_value="") for _ in overrides
    ]})()  # fmt: skip
    launched = []
    sweep.RecordingLauncher(launcher).launch([*jobs, [*jobs[0], "pretrain.precision=fp32"]], 0)
    assert launched == jobs
    output = capsys.readouterr()
    assert len(set(output.out.splitlines())) == 2
    assert "1 jobs repeat another job of this sweep" in output.err
