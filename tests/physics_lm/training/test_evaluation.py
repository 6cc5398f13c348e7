from dataclasses import replace

import pandas as pd
import pytest

from data_gen.errors import ConfigError
from physics_lm.data import windows
from physics_lm.plan import plan
from physics_lm.run import execute
from physics_lm.store.artifacts import Store
from physics_lm.training import loop

WORDS = ("corpus=multi2", "pretrain=mixed", "finetune=none", "pretrain.eval_every=5", "pretrain.eval_people=8")


class KilledError(Exception):
    """Stands for kill -9 between two steps."""


def run(config, lab):
    return pd.read_parquet(execute(config, lab) / "rows.parquet")


def weights(config, lab):
    return Store(lab).manifest(plan(config)["pretrain"])["files"]["model.safetensors"]


@pytest.fixture(scope="module")
def config(smoke):
    return smoke(*WORDS, "probe=curves")


@pytest.fixture(scope="module")
def watched(config, tmp_path_factory):
    """Return a lab with one run that was watched."""
    lab = tmp_path_factory.mktemp("watched")
    return lab, run(config, lab)


def test_there_are_rows_of_every_split_at_every_evaluation(watched, config):
    lab, rows = watched
    assert sorted(set(rows["step"])) == [5, 10, 12]
    counts = rows.groupby(["step", "task", "split"])["person"].nunique().unstack()
    assert (counts[["train", "test"]] == 8).all(axis=None)
    assert (counts["unknown"] == 8).all()
    assert (rows.groupby(["step", "task", "split", "person"]).size() == 6).all()
    assert rows["confidence"].between(0, 1).all()
    assert (rows["confidence"] > 0).all()
    assert set(rows["probe"]) == {"curves"}
    assert set(rows["pretrain.eval_every"]) == {5}


def test_the_last_evaluation_is_what_the_extraction_probe_finds(watched, config):
    lab, rows = watched
    probed = run(replace(config, probe=replace(config.probe, kind="extraction")), lab)
    keys = ["task", "person", "attribute", "split", "prompt", "gold"]
    compared = ["correct", "tokens", "tokens_correct"]
    evaluated = rows[(rows["step"] == 12) & (rows["split"] != "unknown")].set_index(keys).sort_index()
    same = probed.set_index(keys).sort_index().loc[evaluated.index]
    pd.testing.assert_frame_equal(evaluated[compared], same[compared])
    assert (evaluated["prediction"] == same["prediction"])[evaluated["correct"]].all()
    assert (evaluated["gold_logprob"] - same["gold_logprob"]).abs().max() < 1e-4


def test_the_unknown_are_in_no_entry_and_no_question_that_was_read(watched, config):
    lab, rows = watched
    unknown = rows[rows["split"] == "unknown"]
    assert unknown["person"].min() >= config.world.people
    known = rows[rows["split"] != "unknown"]
    assert not set(unknown["prompt"]) & set(known["prompt"])
    values = unknown[unknown["task"] == "biography"]
    assert (values.groupby(["step", "person"])["gold"].nunique() >= 5).all()


def test_watching_changes_no_weight(watched, config, tmp_path):
    lab, _ = watched
    plain = replace(
        config, pretrain=replace(config.pretrain, eval_every=0), probe=replace(config.probe, kind="extraction")
    )
    execute(plain, tmp_path)
    assert weights(plain, tmp_path) == weights(config, lab)


@pytest.mark.parametrize("step", [6, 11])
def test_a_killed_run_goes_on_with_the_rows_it_had(watched, config, tmp_path, monkeypatch, step):
    lab, rows = watched
    real, seen = windows.WindowBatches.__call__, []

    def until(self, now):
        seen.append(now)
        if now == step:
            raise KilledError
        return real(self, now)

    with monkeypatch.context() as patch:
        patch.setattr(windows.WindowBatches, "__call__", until)
        with pytest.raises(KilledError):
            execute(config, tmp_path)
    partial = next(tmp_path.glob("partial/pretrain/*/state"))
    before = {path.name: path.stat().st_mtime_ns for path in partial.glob("eval-*.parquet")}
    assert len(before) == step // 5
    fresh = []
    real_run = loop.Training.run
    monkeypatch.setattr(loop.Training, "run", lambda self, title: (fresh.append(self.step), real_run(self, title))[1])
    pd.testing.assert_frame_equal(run(config, tmp_path), rows)
    assert fresh == [step // 5 * 5]
    assert weights(config, tmp_path) == weights(config, lab)


@pytest.mark.parametrize(
    ("overrides", "named"),
    [
        (["pretrain.eval_every=-1"], "pretrain.eval_every=-1"),
        (["probe=curves"], "pretrain.eval_every"),
        (["pretrain.eval_every=5", "pretrain.eval_people=3"], "pretrain.eval_people=3"),
        (["pretrain.eval_every=5", "pretrain.eval_people=8000"], "only 8000 full names exist"),
    ],
)
def test_bad_settings_are_refused_before_any_work(smoke, tmp_path, overrides, named):
    with pytest.raises(ConfigError, match=named):
        execute(smoke(*overrides), tmp_path / "lab")
    assert not (tmp_path / "lab").exists()
