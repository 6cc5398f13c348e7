"""The mirror of steps in a tracker, and wandb's offline files."""

import logging
import struct
import sys
import time

import pandas as pd
import pytest
from omegaconf import OmegaConf

from data_gen.errors import ConfigError
from experiments import track
from experiments.launch import hydra_internals
from experiments.launch.ledger import Entry, Ledger
from physics_lm import tracking
from physics_lm.config.tracking import TrackingConfig
from physics_lm.run import execute
from physics_lm.tracking import Tracker, Wandb

BLOCK = 32768  # of leveldb's log
OFFLINE = TrackingConfig("wandb", mode="offline")


class Recorder(Tracker):
    def __init__(self):
        self.calls = []

    def open(self, step, key, settings):
        self.calls.append(("open", step, key, settings))

    def log(self, points):
        self.calls.append(("log", list(points)))

    def close(self, summary, failed=False):
        self.calls.append(("close", summary, failed))


class Broken(Recorder):
    """A run of wandb's whose every call fails."""

    def init(self, **settings):
        self.calls.append(settings)
        raise ConnectionError("no\nserver")


def test_tracking_is_off_by_default_and_wandb_is_not_imported(lab):
    script_modules = {name for name in sys.modules if name.partition(".")[0] == "wandb"}
    assert type(tracking.make_tracker(TrackingConfig(), "", lab.path)) is Tracker
    assert OmegaConf.to_object(hydra_internals.compose(["scale=smoke"]).tracking) == TrackingConfig()
    assert {name for name in sys.modules if name.partition(".")[0] == "wandb"} == script_modules


@pytest.mark.parametrize("config", [TrackingConfig("tensorboard"), TrackingConfig("wandb", mode="sometimes")])
def test_an_unknown_tracker_or_mode_is_refused(config, tmp_path):
    with pytest.raises(ConfigError, match="choose"):
        tracking.make_tracker(config, "", tmp_path)


def test_a_run_is_mirrored_step_by_step_with_its_whole_curve(smoke, tmp_path):
    config, recorder = smoke("corpus=single"), Recorder()
    execute(config, tmp_path, recorder)
    opened = [call[1] for call in recorder.calls if call[0] == "open"]
    assert opened == ["pretrain", "finetune", "probe"]
    points = [point for kind, *rest in recorder.calls if kind == "log" for point in rest[0]]
    assert [point["step"] for point in points] == [*range(12), *range(6)]
    assert all(point["loss"] > 0 for point in points)
    *_, last = recorder.calls
    assert last[1]["rows"] > 0
    assert 0 <= last[1]["extraction/test"] <= 100
    assert not last[2]
    again = Recorder()
    execute(config, tmp_path, again)
    assert again.calls == []


def test_a_failed_step_is_mirrored_as_failed(smoke, tmp_path):
    recorder = Recorder()
    with pytest.raises(ConfigError):
        execute(smoke("corpus=single", "pretrain.context=45"), tmp_path, recorder)
    assert recorder.calls[-1] == ("close", {}, True)


def test_the_store_can_be_replayed_later(lab):
    recorder = Recorder()
    tracking.log_artifact(recorder, lab.folder("pretrain"))
    (_, step, key, settings), (_, points), (_, summary, failed) = recorder.calls
    assert (step, key) == ("pretrain", lab.plan["pretrain"].key)
    assert settings["pretrain"]["steps"] == 12
    curve = pd.read_parquet(lab.folder("pretrain") / "curve.parquet")
    assert [point["loss"] for point in points] == curve["loss"].tolist()
    assert summary["parameters"] > 0
    assert not failed


def test_steps_belong_to_the_sweep_of_their_run(lab, tmp_path):
    (tmp_path / "artifacts").symlink_to(lab.path / "artifacts")
    Ledger(tmp_path).write(Entry(lab.plan["probe"].key, "a", "s1", "done"))
    sweeps = track.sweep_ids(tmp_path)
    assert {sweeps[step.key] for step in lab.plan.steps} == {"s1"}
    assert {folder.parent.name for folder in track.tracked_folders(tmp_path)} == {"pretrain", "finetune", "probe"}


def test_a_replay_to_nowhere_is_refused(lab):
    with pytest.raises(ConfigError, match="tracking=wandb"):
        track.replay(hydra_internals.compose(["scale=smoke", f"paths.lab={lab.path}"]))


def test_a_tracker_that_fails_warns_once_and_fails_no_run(smoke, tmp_path, monkeypatch, caplog):
    import wandb

    broken = Broken()
    monkeypatch.setattr(wandb, "init", broken.init)
    with caplog.at_level(logging.WARNING):
        folder = execute(smoke("corpus=single"), tmp_path, Wandb(OFFLINE, "s", tmp_path / "wandb"))
    assert (folder / "rows.parquet").exists()
    assert len(broken.calls) == 1
    assert [record.getMessage() for record in caplog.records if "tracking" in record.getMessage()] == [
        "tracking stopped (ConnectionError: no); the run goes on, and experiments.track can mirror it later"
    ]


def test_a_run_has_the_steps_id_type_and_sweep(tmp_path, monkeypatch):
    import wandb

    broken = Broken()
    monkeypatch.setattr(wandb, "init", broken.init)
    Wandb(OFFLINE, "s1", tmp_path).open("pretrain", "ab" * 32, {"seed": 1})
    (settings,) = broken.calls
    expected = {
        "id": "pretrain-" + "ab" * 8, "resume": "allow", "group": "s1", "job_type": "pretrain", "mode": "offline",
        "config": {"seed": 1},
    }  # fmt: skip
    assert {name: settings[name] for name in expected} == expected


def test_without_account_or_network_it_is_offline(monkeypatch):
    class Api:
        api_key = None

        def settings(self, name):
            return "http://127.0.0.1:9"  # nobody listens there

    fake = type("Fake", (), {"api": Api()})
    monkeypatch.delenv("WANDB_MODE", raising=False)
    assert tracking._mode(fake, "auto") == "offline"
    Api.api_key = "k" * 40
    assert tracking._mode(fake, "auto") == "offline"
    assert tracking._mode(fake, "online") == "online"
    monkeypatch.setenv("WANDB_MODE", "disabled")
    assert tracking._mode(fake, "auto") == "disabled"


def records(path):
    """Yield what wandb wrote while offline: a header of 7 bytes, then leveldb's log of protobuf records."""
    from wandb.proto import wandb_internal_pb2

    data, offset, parts = path.read_bytes(), 7, []
    while offset + 7 <= len(data):
        if BLOCK - offset % BLOCK < 7:  # a record never begins in a block's last bytes
            offset += BLOCK - offset % BLOCK
            continue
        length, kind = struct.unpack("<HB", data[offset + 4 : offset + 7])
        if offset + 7 + length > len(data):  # it is still being written
            return
        parts.append(data[offset + 7 : offset + 7 + length])
        offset += 7 + length
        if kind in (1, 4):  # a whole record, or the last part of one
            record = wandb_internal_pb2.Record()
            record.ParseFromString(b"".join(parts))
            parts = []
            yield record


def finished(path, seconds=60):
    """Return the records of a run that has ended: wandb's own process writes them after `finish` has returned."""
    until = time.monotonic() + seconds
    while not any(record.HasField("exit") for record in records(path)):
        assert time.monotonic() < until, "wandb has not written the run's end"
        time.sleep(0.1)
    return list(records(path))


@pytest.mark.slow
def test_wandb_offline_holds_the_curve(lab, tmp_path, monkeypatch):
    monkeypatch.delenv("WANDB_MODE", raising=False)
    tracking.log_artifact(Wandb(OFFLINE, "s1", tmp_path), lab.folder("pretrain"))
    (log,) = tmp_path.glob("wandb/offline-run-*/run-*.wandb")
    assert log.name == f"run-pretrain-{lab.plan['pretrain'].key[:16]}.wandb"
    losses, runs = [], []
    for record in finished(log):
        if record.HasField("history"):
            items = {item.key or "/".join(item.nested_key): item.value_json for item in record.history.item}
            losses.append(float(items["loss"]))
        if record.HasField("run"):
            runs.append((record.run.run_group, record.run.job_type))
    assert losses == pytest.approx(pd.read_parquet(lab.folder("pretrain") / "curve.parquet")["loss"].tolist())
    assert runs[0] == ("s1", "pretrain")
