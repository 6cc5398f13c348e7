import logging
import struct
import sys

import pandas as pd
import pytest
from omegaconf import OmegaConf

from data_gen.errors import ConfigError
from experiments import track
from experiments.launch import hydra_internals
from experiments.launch.ledger import Entry, Ledger
from physics_lm import run as pipeline
from physics_lm import tracking
from physics_lm.config.tracking import TrackingConfig
from physics_lm.tracking import Tracker, Wandb

BLOCK = 32768  # of leveldb's log
OFFLINE = TrackingConfig("wandb", mode="offline")


class Recorder(Tracker):
    def __init__(self):
        self.said = []

    def open(self, step, key, settings):
        self.said.append(("open", step, key, settings))

    def log(self, points):
        self.said.append(("log", list(points)))

    def close(self, summary, failed=False):
        self.said.append(("close", summary, failed))


class Broken(Recorder):
    """A run of wandb's whose every call fails."""

    def init(self, **settings):
        self.said.append(settings)
        raise ConnectionError("no\nserver")


def test_tracking_is_off_by_default_and_wandb_is_not_imported(lab):
    script_modules = {name for name in sys.modules if name.partition(".")[0] == "wandb"}
    assert type(tracking.tracker(TrackingConfig(), "", lab.path)) is Tracker
    assert OmegaConf.to_object(hydra_internals.compose(["scale=smoke"]).tracking) == TrackingConfig()
    assert {name for name in sys.modules if name.partition(".")[0] == "wandb"} == script_modules


@pytest.mark.parametrize("config", [TrackingConfig("tensorboard"), TrackingConfig("wandb", mode="sometimes")])
def test_an_unknown_tracker_or_mode_is_refused(config, tmp_path):
    with pytest.raises(ConfigError, match="choose"):
        tracking.tracker(config, "", tmp_path)


def test_a_run_is_mirrored_step_by_step_with_its_whole_curve(smoke, tmp_path):
    config, told = smoke("corpus=single"), Recorder()
    pipeline.run(config, tmp_path, told)
    opened = [one[1] for one in told.said if one[0] == "open"]
    assert opened == ["pretrain", "finetune", "probe"]
    points = [point for kind, *rest in told.said if kind == "log" for point in rest[0]]
    assert [point["step"] for point in points] == [*range(12), *range(6)]
    assert all(point["loss"] > 0 for point in points)
    *_, last = told.said
    assert last[1]["rows"] > 0
    assert 0 <= last[1]["extraction/test"] <= 100
    assert not last[2]
    again = Recorder()
    pipeline.run(config, tmp_path, again)
    assert again.said == []


def test_a_failed_step_is_mirrored_as_failed(smoke, tmp_path):
    told = Recorder()
    with pytest.raises(ConfigError):
        pipeline.run(smoke("corpus=single", "pretrain.context=45"), tmp_path, told)
    assert told.said[-1] == ("close", {}, True)


def test_the_store_can_be_replayed_later(lab):
    told = Recorder()
    tracking.replay(told, lab.folder("pretrain"))
    (_, step, key, settings), (_, points), (_, summary, failed) = told.said
    assert (step, key) == ("pretrain", lab.plan.pretrain.key)
    assert settings["pretrain"]["steps"] == 12
    curve = pd.read_parquet(lab.folder("pretrain") / "curve.parquet")
    assert [point["loss"] for point in points] == curve["loss"].tolist()
    assert summary["parameters"] > 0
    assert not failed


def test_steps_belong_to_the_sweep_that_wanted_them(lab, tmp_path):
    (tmp_path / "artifacts").symlink_to(lab.path / "artifacts")
    Ledger(tmp_path).write(Entry(lab.plan.probe.key, "a", "s1", "done"))
    found = track.groups(tmp_path)
    assert {found[step.key] for step in lab.plan.steps} == {"s1"}
    assert [folder.parent.name for folder in track.folders(tmp_path)] == ["pretrain", "finetune", "probe"]


def test_a_replay_to_nowhere_is_refused(lab):
    with pytest.raises(ConfigError, match="tracking=wandb"):
        track.replay(hydra_internals.compose(["scale=smoke", f"paths.lab={lab.path}"]))


def test_a_tracker_that_fails_is_said_once_and_fails_nothing(smoke, tmp_path, monkeypatch, caplog):
    import wandb

    broken = Broken()
    monkeypatch.setattr(wandb, "init", broken.init)
    with caplog.at_level(logging.WARNING):
        folder = pipeline.run(smoke("corpus=single"), tmp_path, Wandb(OFFLINE, "s", tmp_path / "wandb"))
    assert (folder / "rows.parquet").exists()
    assert len(broken.said) == 1
    assert [record.getMessage() for record in caplog.records if "tracking" in record.getMessage()] == [
        "tracking stopped (ConnectionError: no); the run goes on, and experiments.track can mirror it later"
    ]


def test_a_run_has_the_steps_id_type_and_sweep(tmp_path, monkeypatch):
    import wandb

    broken = Broken()
    monkeypatch.setattr(wandb, "init", broken.init)
    Wandb(OFFLINE, "s1", tmp_path).open("pretrain", "ab" * 32, {"seed": 1})
    (settings,) = broken.said
    wanted = {"id": "pretrain-" + "ab" * 8, "resume": "allow", "group": "s1", "job_type": "pretrain", "mode": "offline"}
    wanted["config"] = {"seed": 1}
    assert {name: settings[name] for name in wanted} == wanted


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

    data, place, parts = path.read_bytes(), 7, []
    while place + 7 <= len(data):
        if BLOCK - place % BLOCK < 7:  # a record never begins in a block's last bytes
            place += BLOCK - place % BLOCK
            continue
        length, kind = struct.unpack("<HB", data[place + 4 : place + 7])
        parts.append(data[place + 7 : place + 7 + length])
        place += 7 + length
        if kind in (1, 4):  # a whole record, or the last part of one
            record = wandb_internal_pb2.Record()
            record.ParseFromString(b"".join(parts))
            parts = []
            yield record


@pytest.mark.slow
def test_wandb_offline_holds_the_curve(lab, tmp_path, monkeypatch):
    monkeypatch.delenv("WANDB_MODE", raising=False)
    tracking.replay(Wandb(OFFLINE, "s1", tmp_path), lab.folder("pretrain"))
    (log,) = tmp_path.glob("wandb/offline-run-*/run-*.wandb")
    assert log.name == f"run-pretrain-{lab.plan.pretrain.key[:16]}.wandb"
    losses, runs = [], []
    for record in records(log):
        if record.HasField("history"):
            items = {item.key or "/".join(item.nested_key): item.value_json for item in record.history.item}
            losses.append(float(items["loss"]))
        if record.HasField("run"):
            runs.append((record.run.run_group, record.run.job_type))
    assert losses == pytest.approx(pd.read_parquet(lab.folder("pretrain") / "curve.parquet")["loss"].tolist())
    assert runs[0] == ("s1", "pretrain")
