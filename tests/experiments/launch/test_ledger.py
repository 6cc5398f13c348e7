"""The ledger, the status that is read from it, and the sweeps that write it."""

import json
import os
import subprocess
import sys
import threading
import time
from errno import ENOSPC
from pathlib import Path

import pytest
from hydra.core.utils import JobReturn, JobStatus

from data_gen.errors import ConfigError
from experiments import status
from experiments.launch import hydra_internals, sweep
from experiments.launch import ledger as ledgers
from experiments.launch.errors import exit_on_error
from experiments.launch.jobs import Job, execute_job
from experiments.launch.ledger import Entry, Ledger
from physics_lm import progress
from physics_lm.store import schemas
from physics_lm.store.artifacts import MANIFEST

KEY = "ab" * 32


@pytest.fixture
def ledger(tmp_path):
    return Ledger(tmp_path)


def record(launcher, jobs):
    """Record the jobs of some lists of overrides."""
    return sweep.launch_recorded(launcher, [Job.of(job) for job in jobs])


def test_an_entry_is_read_back_as_it_was_written(ledger):
    entry = Entry(KEY, "corpus=single", "s1", "failed", error="no", traceback="line\nline", config={"seed": 1})
    ledger.write(entry)
    assert ledger.read(KEY) == entry
    assert ledger.entries() == [entry]
    assert [path.name for path in ledger.folder.iterdir()] == [f"{KEY}.json"]


def test_a_reader_never_sees_half_an_entry(ledger):
    """Several writers at once, and a reader that looks all the while."""
    entries = [Entry(KEY, "x" * size) for size in (10, 10_000, 200_000)]
    writers = [threading.Thread(target=lambda entry=e: [ledger.write(entry) for _ in range(30)]) for e in entries]
    ledger.write(entries[0])
    for writer in writers:
        writer.start()
    reads = 0
    while any(writer.is_alive() for writer in writers):
        reads += json.loads((ledger.folder / f"{KEY}.json").read_text())["key"] == KEY
    assert reads


def test_a_ledger_of_a_newer_version_is_refused_in_one_line_and_left_as_it_is(ledger):
    path = ledger.folder / f"{KEY}.json"
    ledger.folder.mkdir()
    path.write_text(json.dumps({"version": ledgers.VERSION + 1, "key": KEY, "unheard": "of"}))
    before = path.read_bytes()
    with pytest.raises(ConfigError, match="newer version") as refused:
        ledger.entries()
    assert "\n" not in str(refused.value)
    assert path.read_bytes() == before


def test_a_damaged_entry_counts_as_none(ledger):
    ledger.folder.mkdir()
    for text in ("", "{", "[]", '{"key": 1}'):
        (ledger.folder / f"{KEY}.json").write_text(text)
        assert ledger.read(KEY) is None


def test_a_job_that_ends_well_is_done_with_its_time_and_memory(ledger):
    with ledger.running(Entry(KEY, "a")):
        entry = ledger.read(KEY)
        assert (entry.state, entry.pid) == ("running", os.getpid())
        assert ledger.alive(entry)
    entry = ledger.read(KEY)
    assert entry.state == "done"
    assert entry.ended >= entry.started > 0
    assert entry.peak_mb > 10
    assert not ledger.alive(entry)


def test_a_job_that_fails_leaves_its_traceback_and_config(ledger):
    with pytest.raises(ValueError, match="broken"), ledger.running(Entry(KEY, "a", config={"seed": 4})):
        raise ValueError("broken\nbadly")
    entry = ledger.read(KEY)
    assert (entry.state, entry.error, entry.config) == ("failed", "ValueError: broken", {"seed": 4})
    assert "raise ValueError" in entry.traceback


def test_a_heartbeat_tells_what_the_job_is_at(ledger, monkeypatch):
    monkeypatch.setattr(ledgers, "HEARTBEAT_SECONDS", 0.01)
    with ledger.running(Entry(KEY, "a")), progress.Bar("pretrain x", 40, "step", 10) as bar:
        first = ledger.read(KEY).beat
        bar.update(10)
        until = time.monotonic() + 10
        while ledger.read(KEY).doing.get("done") != 20:
            assert time.monotonic() < until
        entry = ledger.read(KEY)
        assert entry.beat > first
        assert (entry.doing["title"], entry.doing["total"]) == ("pretrain x", 40)
        assert entry.doing["left"] > 0


def test_a_job_whose_process_was_killed_is_not_alive(ledger):
    script = (
        "import os, signal, sys; from pathlib import Path; from experiments.launch.ledger import Entry, Ledger\n"
        "with Ledger(Path(sys.argv[1])).running(Entry(sys.argv[2], 'a')): os.kill(os.getpid(), signal.SIGKILL)"
    )
    root = str(Path(__file__).resolve().parents[3])
    done = subprocess.run([sys.executable, "-c", script, str(ledger.lab), KEY], cwd=root)
    assert done.returncode == -9
    entry = ledger.read(KEY)
    assert entry.state == "running"
    assert not ledger.alive(entry)
    assert "interrupted" in status.table(ledger, time.time())


def test_a_silent_job_of_another_host_counts_as_dead_after_a_while(ledger):
    ledger.write(Entry(KEY, "a", state="running", host="elsewhere", beat=time.time()))
    assert ledger.alive(ledger.read(KEY))
    ledger.write(Entry(KEY, "a", state="running", host="elsewhere", beat=time.time() - ledgers.DEAD_AFTER_SECONDS - 1))
    assert not ledger.alive(ledger.read(KEY))


def write_manifest(ledger, key):
    """Write the manifest by which the store knows that a job's rows are there."""
    folder = ledger.lab / "artifacts" / "probe" / key
    folder.mkdir(parents=True)
    (folder / MANIFEST).write_text("{}")


def test_the_store_says_what_is_done(ledger):
    for key, state in (("a", "failed"), ("b", "done"), ("c", "done"), ("d", "running"), ("e", "planned")):
        ledger.write(Entry(key * 64, f"corpus={key}", "s1", state, started=1, error="no" if state == "failed" else ""))
    for key in "abe":
        write_manifest(ledger, key * 64)
    lines = {line.split()[-1]: line.split()[0] for line in status.table(ledger, 1140).splitlines()[1:-1]}
    assert [lines[f"corpus={key}"] for key in "abcde"] == ["done", "done", "removed", "interrupted", "done"]


@pytest.mark.parametrize(
    "text",
    ["", "[]", "null", '{"version": 1}', '{"version": "1"}', '{"version": 1, "key": "k", "name": "n", "sweep": null}',
     '{"version": 1, "key": "k", "name": "n", "started": "yesterday"}'],
)  # fmt: skip
def test_an_entry_that_was_spoilt_is_passed_over(ledger, text):
    ledger.write(Entry(KEY, "a"))
    (ledger.folder / f"{KEY}.json").write_text(text)
    assert ledger.read(KEY) is None
    assert ledger.entries() == []


def test_a_lab_that_can_only_be_read_goes_by_the_heartbeat(ledger, monkeypatch):
    def denied(key):
        raise PermissionError(key)

    ledger.write(Entry(KEY, "a", state="running", beat=time.time()))
    monkeypatch.setattr(ledger, "lock", denied)
    assert ledger.alive(ledger.read(KEY))
    ledger.write(Entry(KEY, "a", state="running", beat=time.time() - ledgers.DEAD_AFTER_SECONDS - 1))
    assert not ledger.alive(ledger.read(KEY))


def test_status_shows_jobs_progress_and_time_left(ledger):
    doing = {"title": "pretrain multi5", "done": 30, "total": 100, "rate": 1.0, "left": 70.0}
    ledger.write(Entry("a" * 64, "corpus=single", "s1", "done", started=1000, ended=1100, peak_mb=512.3))
    write_manifest(ledger, "a" * 64)
    ledger.write(Entry("c" * 64, "corpus=multi2", "s1", "planned"))
    ledger.write(Entry("d" * 64, "corpus=couple1", "s1", "failed", error="ConfigError: no"))
    with ledger.lock("b" * 64):
        ledger.write(Entry("b" * 64, "corpus=multi5", "s1", "running", started=1100, doing=doing))
        text = status.table(ledger, 1140)
    lines = {line.split()[-1]: line for line in text.splitlines()[1:-1]}
    assert "done" in lines["corpus=single"]
    assert "1:40, 512 MB" in lines["corpus=single"]
    assert "pretrain multi5 30/100, 1:10 left" in lines["corpus=multi5"]
    assert "ConfigError: no" in lines["corpus=couple1"]
    assert text.splitlines()[-1].endswith("about 2:40 left")  # 60 s of the running one, 100 s of the planned one


def test_status_of_an_empty_lab_says_what_to_do(ledger):
    assert "experiments.reproduce" in status.table(ledger, 0)


def test_a_silent_bar_counts():
    assert progress.current_state() is None
    assert [progress.current_state().done for _ in progress.track([1, 2, 3], "x", "item")] == [0, 1, 2]
    assert progress.current_state() is None


class InProcess:
    """A launcher that runs its jobs here, one after the other."""

    def __init__(self):
        self.launched = []

    def launch(self, jobs, initial_job_idx):
        self.launched += [list(job) for job in jobs]
        return [self.run(hydra_internals.compose(list(job))) for job in jobs]

    def run(self, config):
        return JobReturn(status=JobStatus.COMPLETED, _return_value=execute_job(config))


class Dying(InProcess):
    """A launcher whose jobs are killed before they can say so."""

    def run(self, config):
        return JobReturn(status=JobStatus.FAILED, _return_value=RuntimeError("killed by signal 9; its peak was 7 MB"))


def words(lab, *more):
    return ["scale=smoke", f"paths.lab={lab}", "pretrain.steps=2", "pretrain.warmup=1", "finetune.steps=1", *more]


def test_a_failed_job_stops_no_other_and_the_same_sweep_does_only_what_is_missing(tmp_path):
    bad, good = words(tmp_path, "corpus=single", "pretrain.context=45"), words(tmp_path, "corpus=single")
    launcher = InProcess()
    reasons = record(launcher, [bad, good, good])
    assert "pretrain.context=45" in reasons[0]
    assert reasons[1:] == ["", ""]
    assert len(launcher.launched) == 2
    failed, done = sorted(Ledger(tmp_path).entries(), key=lambda entry: entry.state, reverse=True)
    assert (failed.state, done.state) == ("failed", "done")
    assert failed.config["pretrain"]["context"] == 45
    assert "Traceback" in failed.traceback
    assert failed.sweep == done.sweep
    assert record(InProcess(), [good]) == [""]
    again = InProcess()
    assert record(again, [bad, good])[1] == ""
    assert again.launched == [bad]
    assert len(list(tmp_path.glob(f"artifacts/probe/*/{MANIFEST}"))) == 1


def test_a_killed_job_is_written_down_by_the_launcher(tmp_path):
    (reason,) = record(Dying(), [words(tmp_path, "corpus=single")])
    (entry,) = Ledger(tmp_path).entries()
    assert entry.state == "failed"
    assert reason == entry.error
    assert "killed by signal 9" in reason


def test_a_job_that_another_launcher_runs_is_joined_and_comes_last(tmp_path, capsys):
    jobs = [words(tmp_path, f"corpus={name}") for name in ("single", "multi2")]
    key = Job.of(jobs[0]).key
    ledger, launcher = Ledger(tmp_path), Dying()
    with ledger.lock(key):
        ledger.write(Entry(key, "corpus=single", state="running", host="here", pid=7, beat=time.time()))
        record(launcher, jobs)
    assert launcher.launched == [jobs[1], jobs[0]]
    assert "joined: corpus=single is being run by process 7 on here" in capsys.readouterr().err


def test_jobs_that_share_a_missing_training_do_not_wait_while_there_is_other_work(tmp_path):
    def make_job(corpus, steps, lr):
        job = words(tmp_path, f"corpus={corpus}", f"pretrain.steps={steps}", f"finetune.lr={lr}")
        return Job.of(job)

    jobs = [make_job(corpus, steps, lr) for corpus, steps in (("single", 9), ("multi2", 5)) for lr in (1e-3, 2e-3)]
    ranked = [(job.run.corpus.name, job.run.finetune.lr) for job in sweep.order(jobs)]
    assert ranked == [("single", 1e-3), ("multi2", 1e-3), ("multi2", 2e-3), ("single", 2e-3)]
    probes = [Job.of(words(tmp_path, f"probe.batch={n}")) for n in (8, 16)]
    ranked = sweep.order([*probes, make_job("single", 1, 1e-3)])
    assert [job.run.probe.batch for job in ranked] == [8, 256, 16]


def test_a_sweep_with_an_impossible_job_ends_before_any_work(tmp_path):
    launcher = InProcess()
    with pytest.raises(ConfigError, match=r"world\.people=0"):
        record(launcher, [words(tmp_path, "corpus=single"), words(tmp_path, "world.people=0")])
    assert launcher.launched == []
    assert not list(tmp_path.iterdir())


def test_a_sweep_on_a_ledger_of_a_newer_version_ends_before_any_work(tmp_path):
    job = words(tmp_path, "corpus=single")
    key = Job.of(job).key
    (tmp_path / "ledger").mkdir()
    (tmp_path / "ledger" / f"{key}.json").write_text(json.dumps({"version": 99, "key": key}))
    launcher = InProcess()
    with pytest.raises(ConfigError, match="newer version"):
        record(launcher, [job])
    assert launcher.launched == []


def test_a_full_disk_is_said_in_one_line_and_loses_nothing(tmp_path, monkeypatch):
    job, write, writes = words(tmp_path, "corpus=single"), Ledger.write, []

    def full(self, entry):
        writes.append(entry)
        if len(writes) > 1:  # planned is written, nothing after it
            raise OSError(ENOSPC, "No space left on device", "lab/ledger/x.json")
        return write(self, entry)

    with monkeypatch.context() as patch:
        patch.setattr(Ledger, "write", full)
        (reason,) = record(InProcess(), [job])
    assert reason.startswith("the disk is full (lab/ledger/x.json)")
    assert "\n" not in reason
    assert record(InProcess(), [job]) == [""]
    assert Ledger(tmp_path).entries()[0].state == "done"


def test_rows_that_do_not_fit_together_are_one_line_of_a_command(capsys):
    def work():
        raise schemas.SchemaError("column correct is boolean in a and text in b")

    with pytest.raises(SystemExit):
        exit_on_error(work)
    assert capsys.readouterr().err == "error: column correct is boolean in a and text in b\n"


def test_the_sweeper_goes_on_after_a_failed_batch_and_counts_it(tmp_path, capsys):
    recorded = sweep.RecordingLauncher(InProcess())
    for batch in (words(tmp_path, "pretrain.context=45"), words(tmp_path, "corpus=single")):
        assert recorded.launch([batch], 0) == []
    assert recorded.failed == 1
    assert capsys.readouterr().err.count("error:") == 1


def test_time_left_is_by_the_pace_since_the_bar_was_opened():
    with progress.Bar("pretrain x", 100, "step", 10) as bar:
        assert bar.state.left is None
        bar._since -= 20
        bar.update(40)
        assert bar.state.rate == pytest.approx(2, rel=0.05)
        assert bar.state.left == pytest.approx(25, rel=0.05)
