"""The commands as a user types them: a few as processes, the bad input through the same functions in process."""

import json
import os
import re
import shutil
import subprocess
import sys
from errno import ENOSPC
from pathlib import Path

import pandas as pd
import pytest
from transformers import AutoTokenizer, PreTrainedModel

from data_gen.errors import ConfigError
from experiments import reproduce
from experiments.launch import hydra_internals, jobs, sweep
from experiments.launch.arms import arms_of
from experiments.launch.config import run_config
from experiments.launch.errors import exit_on_error
from experiments.launch.jobs import Job, execute_config
from experiments.run import check_overrides
from physics_lm import results
from physics_lm.plan import plan
from physics_lm.stages import pretrain

ROOT = Path(__file__).resolve().parents[2]
ENV = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1", "COLUMNS": "200"}


def start(folder, module, *words):
    command = [sys.executable, "-m", f"experiments.{module}", *words]
    return subprocess.Popen(command, cwd=folder, env=ENV, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def finish(process):
    out, err = process.communicate(timeout=300)
    return process.returncode, out, err


def command(folder, module, *words):
    return finish(start(folder, module, *words))


def stamps(lab):
    return {path: path.stat().st_mtime_ns for path in (lab / "artifacts").rglob("*") if path.is_file()}


def run_single(lab, *overrides):
    """Execute a run of the smoke scale in process, as the command does."""
    config = hydra_internals.compose(["scale=smoke", "corpus=single", f"paths.lab={lab}", *overrides])
    return exit_on_error(lambda: execute_config(config))


def error_of(capsys, lab, *overrides):
    """Execute a run that is refused; return what the command prints to stderr."""
    with pytest.raises(SystemExit) as stopped:
        run_single(lab, *overrides)
    output = capsys.readouterr()
    assert stopped.value.code == 2
    assert output.out == ""
    assert "Traceback" not in output.err
    assert 1 <= output.err.count("\n") <= 5
    return output.err


@pytest.mark.parametrize(
    ("override", "named"),
    [
        ("world.people=9000", "world.people=9000"),
        ("world.people=0", "world.people=0"),
        ("world.train_share=0", "world.train_share=0"),
        ("world.train_share=1", "world.train_share=1"),
        ("world.train_share=0.0001", "world.train_share=0.0001"),
        ("corpus.entries=9", "corpus.entries=9"),
        ("corpus.templates=1000", "corpus.templates=1000"),
        ("pretrain.context=10", "pretrain.context=10"),
        ("pretrain.context=45", "pretrain.context=45"),
        ("pretrain.context=129", "pretrain.context=129"),
        ("model.heads=5", "model.heads=5"),
        ("world.pools.employer=1", "employer"),
        ("pretrain.lr=nan", "pretrain.lr=nan"),
        ("world.train_share=inf", "world.train_share=inf"),
    ],
)
def test_bad_input_ends_in_one_line_before_any_training(capsys, tmp_path, override, named):
    assert named in error_of(capsys, tmp_path, override)
    assert not list(tmp_path.glob("artifacts/pretrain/*"))


def test_gpt2_without_network_ends_in_one_line(capsys, tmp_path, monkeypatch):
    def offline(*args, **kwargs):
        raise OSError("no network")

    monkeypatch.setattr(AutoTokenizer, "from_pretrained", offline)
    assert "tokenizer=gpt2" in error_of(capsys, tmp_path, "tokenizer=gpt2")
    assert not list(tmp_path.glob("artifacts/tokenizer/*"))


def test_an_unwritable_lab_is_refused(capsys, tmp_path):
    (tmp_path / "file").write_text("")
    assert "paths.lab=" in error_of(capsys, tmp_path / "file" / "lab")


def test_a_diverged_run_says_where_it_was_good(capsys, tmp_path):
    error = error_of(capsys, tmp_path, "pretrain.lr=1e30", "pretrain.optimizer=adamw", "pretrain.save_every=1")
    assert "at step" in error
    assert "last good checkpoint" in error
    assert not list(tmp_path.glob("artifacts/pretrain/*"))


def test_a_full_disk_loses_nothing_that_was_complete(capsys, tmp_path, monkeypatch):
    def full(*args, **kwargs):
        raise OSError(ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(PreTrainedModel, "save_pretrained", full)
        assert "the disk is full" in error_of(capsys, tmp_path)
    before = stamps(tmp_path)
    assert {path.parts[-3] for path in before} == {"corpus", "tokenizer"}
    run_single(tmp_path)
    assert {path: stamp for path, stamp in stamps(tmp_path).items() if path in before} == before


def test_a_corrupted_artifact_is_set_aside_made_again_and_said(tmp_path, caplog):
    config = hydra_internals.compose(["scale=smoke", "corpus=single", f"paths.lab={tmp_path}"])
    key = execute_config(config)
    folder = tmp_path / "artifacts" / "probe" / key
    before, stamps_before = pd.read_parquet(folder / "rows.parquet"), stamps(tmp_path)
    with (folder / "rows.parquet").open("r+b") as file:
        file.truncate(100)
    assert execute_config(config) == key
    pd.testing.assert_frame_equal(pd.read_parquet(folder / "rows.parquet"), before)
    assert [path.name.startswith(f"probe-{key[:12]}") for path in (tmp_path / "damaged").iterdir()] == [True]
    assert "set aside" in caplog.text
    unchanged = {path: stamp for path, stamp in stamps(tmp_path).items() if "probe" not in path.parts}
    assert unchanged == {path: stamp for path, stamp in stamps_before.items() if "probe" not in path.parts}


def test_bad_command_lines_end_without_a_traceback(tmp_path):
    (tmp_path / "file").write_text("")
    cases = {
        "world.peple": ("run", "world.peple=3"),
        "corpus=nonsense": ("run", "corpus=nonsense"),
        "probe=null": ("run", "probe=null"),
        "seed=x": ("reproduce", "seed=x"),
        "--nonsense": ("run", "--nonsense"),
        "world.people=1": ("reproduce", "world.people=1"),
        "paths.lab": ("reproduce", "paths.lab=file/lab"),
        "figure.arms": ("reproduce", "figure.arms=[triple]"),
    }
    running = {named: start(tmp_path, module, "scale=smoke", word) for named, (module, word) in cases.items()}
    for named, process in running.items():
        code, out, err = finish(process)
        assert (code, out) == (2, ""), named
        assert err.startswith("error: ")
        assert named in err
        assert err.count("\n") == 1
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_cfg_job_prints_a_config_and_does_nothing(tmp_path):
    code, out, err = command(tmp_path, "run", "scale=smoke", "--cfg", "job")
    assert (code, err) == (0, "")
    for line in ("people: 24", "name: multi5_permute", "train_share: 0.5", "lab: lab"):
        assert line in out
    assert not list(tmp_path.iterdir())


def test_a_plan_says_what_is_missing_and_does_nothing(tmp_path, capsys):
    config = hydra_internals.compose(["scale=smoke", "plan=true", f"paths.lab={tmp_path / 'lab'}"])
    assert reproduce.reproduce(config, ["scale=smoke", "plan=true"]) == 0
    out = capsys.readouterr().out
    for word in (
        "single",
        "multi5_permute",
        "single_mixed",
        "nothing there",
        "4 of 4 runs are missing",
        "minutes",
        "MB",
    ):
        assert word in out
    assert not list(tmp_path.iterdir())


@pytest.fixture(scope="module")
def swept(tmp_path_factory):
    """Return a folder in which a sweep was run."""
    folder = tmp_path_factory.mktemp("sweep")
    code, out, err = command(folder, "run", "-m", "scale=smoke", "corpus=single,multi5")
    assert code == 0, err
    (folder / "output.txt").write_text(out)
    return folder


def test_a_sweep_leaves_an_artifact_for_each_choice_and_says_where(swept):
    rows = results.load(swept / "lab")
    paths = [swept / line for line in (swept / "output.txt").read_text().splitlines()]
    assert [pd.read_parquet(path)["corpus.name"].iloc[0] for path in paths] == ["single", "multi5"]
    assert rows.groupby("run")["corpus.name"].first().sort_values().tolist() == ["multi5", "single"]
    assert {path.name for path in swept.iterdir()} <= {"lab", "output.txt"}


@pytest.fixture(scope="module")
def reproduced(swept):
    """Return the lab in which the figure was reproduced, and the sweep's artifacts before."""
    before = stamps(swept / "lab")
    code, out, err = command(swept, "reproduce", "figure=extraction", "scale=smoke")
    assert code == 0, err
    return swept, before, out


def test_reproduce_trains_only_what_the_sweep_did_not(reproduced):
    folder, before, _ = reproduced
    after = stamps(folder / "lab")
    assert {path: after[path] for path in before} == before
    assert len(list((folder / "lab" / "artifacts" / "probe").iterdir())) == 4


def test_reproduce_writes_the_figure_its_table_and_its_claims(reproduced):
    folder, _, out = reproduced
    figure = folder / "lab" / "figures" / "smoke" / "extraction"
    assert (figure / "figure.png").read_bytes().startswith(b"\x89PNG")
    cells = pd.read_csv(figure / "table.csv")
    assert set(cells["arm"]) == {"single", "multi5", "multi5_permute", "single_mixed"}
    assert len(cells) == 4 * 7
    claims = json.loads((figure / "claims.json").read_text())
    assert {claim["id"].partition(".")[0] for claim in claims} == {f"A{number}" for number in range(1, 9)}
    fields = {"id", "statement", "paper", "ours", "low", "high", "accept", "holds", "sure", "reason"}
    assert all(set(claim) == fields for claim in claims)
    assert all(claim["holds"] is None and claim["sure"] is None and claim["reason"] for claim in claims)
    manifest = json.loads((figure / "manifest.json").read_text())
    assert len(manifest["runs"]) == 4
    assert manifest["fidelity"]
    assert "Departures from the paper" in out
    assert "figure.png" in out


def test_reproduce_again_trains_nothing(reproduced):
    folder, _, _ = reproduced
    before = stamps(folder / "lab")
    table_path = folder / "lab" / "figures" / "smoke" / "extraction" / "table.csv"
    table_before, manifest_path = table_path.read_text(), table_path.with_name("manifest.json")
    manifest_before = json.loads(manifest_path.read_text())
    code, out, err = command(folder, "reproduce", "figure=extraction", "scale=smoke")
    assert code == 0, err
    assert stamps(folder / "lab") == before
    assert json.loads(manifest_path.read_text())["seconds"] == manifest_before["seconds"] > 0  # the arms' command
    assert table_path.read_text() == table_before
    assert "pretrain" not in err


@pytest.fixture
def both(reproduced, tmp_path, monkeypatch):
    """Return a copy of the lab in which one of two figures that share an arm was made, and the words for both."""
    shutil.copytree(reproduced[0] / "lab", tmp_path / "lab")
    monkeypatch.setattr(reproduce, "figure_names", lambda: ["extraction", "shuffle"])
    one_process = ["hydra/launcher=stacked", "hydra.launcher.workers=1"]
    return tmp_path / "lab", ["scale=smoke", "figure=all", f"paths.lab={tmp_path / 'lab'}", *one_process]


def test_all_figures_are_one_sweep(both, capsys):
    lab, overrides = both
    plan_overrides = [*overrides, "plan=true"]
    assert reproduce.reproduce(hydra_internals.compose(plan_overrides), plan_overrides) == 0
    assert "3 of 7 runs are missing" in capsys.readouterr().out
    before = json.loads((lab / "figures" / "smoke" / "extraction" / "manifest.json").read_text())
    assert reproduce.reproduce(hydra_internals.compose(overrides), overrides) == 0
    folder = lab / "figures" / "smoke"
    common = json.loads((folder / "all.json").read_text())
    assert (common["ran"], common["jobs"], common["figures"]) == (3, 7, ["extraction", "shuffle"])
    assert common["command"].startswith("python -m experiments.reproduce figure=all scale=smoke hydra/launcher=stacked")
    assert common["seconds"] > 0
    manifests = [json.loads((folder / name / "manifest.json").read_text()) for name in common["figures"]]
    assert [manifest["seconds"] for manifest in manifests] == [
        before["seconds"],
        0,
    ]  # of the command that made it alone
    assert (folder / "shuffle" / "figure.png").exists()
    assert reproduce.reproduce(hydra_internals.compose(overrides), overrides) == 0
    assert json.loads((folder / "all.json").read_text()) == common


def test_a_figure_that_is_refused_stops_no_other(both, capsys):
    lab, overrides = both
    overrides.append("figure.arms=[shuffled]")
    assert reproduce.reproduce(hydra_internals.compose(overrides), overrides) == 1
    assert "error: figure=extraction: figure.arms: no arm shuffled" in capsys.readouterr().err
    assert (lab / "figures" / "smoke" / "shuffle" / "figure.png").exists()
    assert not (lab / "figures" / "smoke" / "all.json").exists()


def test_a_plan_after_reproduce_has_nothing_to_do(reproduced, capsys):
    folder, _, _ = reproduced
    overrides = ["scale=smoke", "plan=true", f"paths.lab={folder / 'lab'}"]
    before = stamps(folder / "lab")
    reproduce.reproduce(hydra_internals.compose(overrides), overrides)
    assert "0 of 4 runs are missing" in capsys.readouterr().out
    assert stamps(folder / "lab") == before


def test_a_plan_counts_a_shared_training_once_and_each_by_its_steps(tmp_path):
    config = hydra_internals.compose(["scale=smoke", f"paths.lab={tmp_path}"])
    own = ["scale=smoke", f"paths.lab={tmp_path}", "corpus=single"]
    plain = Job.of(own)
    twice = Job.of([*own, f"finetune.steps={2 * config.finetune.steps}"])
    longer = Job.of([*own, "finetune=none", f"pretrain.steps={3 * config.pretrain.steps}"])
    whole = config.scale.arm_seconds
    assert reproduce.core_seconds([plain], config) == pytest.approx(whole)
    assert reproduce.core_seconds([plain, plain], config) == pytest.approx(whole)
    share = pretrain.SHARE
    assert reproduce.core_seconds([plain, twice], config) == pytest.approx(whole * (1 + 2 * (1 - share)))
    assert reproduce.core_seconds([longer], config) == pytest.approx(3 * share * whole)


def test_a_failed_arm_is_named_and_stops_no_other(tmp_path):
    common = ["scale=smoke", f"paths.lab={tmp_path}", "hydra.launcher.n_jobs=1"]
    jobs = [[*common, "corpus=single", "pretrain.context=45"], [*common, "corpus=multi2"]]
    failed = sweep.launch([Job.of(job) for job in jobs])
    assert "pretrain.context=45" in failed[0]
    assert failed[1] == ""
    good = plan(run_config(hydra_internals.compose(["scale=smoke", "corpus=multi2"])))
    assert (tmp_path / "artifacts" / "probe" / good.rows.key / "rows.parquet").exists()


@pytest.mark.parametrize("arms", ["null", "5"])
def test_arms_that_are_no_names_are_refused(arms):
    with pytest.raises(ConfigError, match=r"figure\.arms="):
        arms_of(hydra_internals.compose([f"figure.arms={arms}"]).figure, "smoke")


def test_a_lab_without_a_name_is_refused():
    with pytest.raises(ConfigError, match=r"paths\.lab="):
        run_config(hydra_internals.compose(["paths.lab="]))


def test_a_figure_is_drawn_from_rows_whose_models_were_removed(reproduced):
    folder, _, _ = reproduced
    copy = folder / "copy"
    shutil.copytree(folder / "lab", copy)
    shutil.rmtree(copy / "artifacts" / "pretrain")
    words = ["scale=smoke", f"paths.lab={copy}"]
    assert reproduce.reproduce(hydra_internals.compose(words), words) == 0
    steps = json.loads((copy / "figures" / "smoke" / "extraction" / "manifest.json").read_text())["runs"].values()
    assert all("probe" in run and "pretrain" not in run for run in steps)
    shutil.rmtree(copy)


@pytest.mark.parametrize("word", ["plan=true", "figure=lora", "figure.arms=all", "only=loop"])
def test_a_word_that_a_run_would_not_read_is_refused(word):
    with pytest.raises(ConfigError, match=re.escape(word)):
        check_overrides(["scale=smoke", "seed=1", word])


@pytest.mark.parametrize(
    "words", [("reproduce", "-m", "figure=extraction,lora"), ("run", "-m", "figure=extraction,lora")]
)
def test_a_sweep_of_what_is_no_run_is_refused_before_any_work(tmp_path, words):
    code, out, err = command(tmp_path, *words, "scale=smoke")
    assert (code, out) == (2, "")
    assert re.fullmatch(r"error: .*leave it out.*\n", err)
    assert not list(tmp_path.glob("lab/artifacts"))


@pytest.mark.parametrize("name", ["run", "reproduce"])
def test_help_names_every_choice_and_runs_nothing(tmp_path, name):
    code, out, err = command(tmp_path, name, "--help")
    assert code == 0, err
    for path in (ROOT / "conf").glob("*/*.yaml"):
        assert re.search(rf"^ +{path.parent.name} .*\b{path.stem}\b", out, re.MULTILINE), path
    assert "--cfg job" in out
    assert not list(tmp_path.iterdir())


def test_the_command_line_gives_a_setting_to_the_arms_whose_kinds_have_it(tmp_path):
    lines = {}
    for words in (["figure=p_probe", "probe.rank=3"], ["figure=extraction", "probe.rank=3"]):
        command = [sys.executable, "-m", "experiments.reproduce", "scale=smoke", "plan=true", f"paths.lab={tmp_path}"]
        done = subprocess.run([*command, *words], capture_output=True, text=True)
        lines[words[0]] = (done.returncode, done.stdout + done.stderr)
    assert "2 of 2 runs are missing" in lines["figure=p_probe"][1]
    assert lines["figure=extraction"][0] == 2
    assert "choose probe=p_probe or probe=q_probe" in lines["figure=extraction"][1]


def test_a_job_is_checked_and_planned_once_where_it_is_launched_and_once_where_it_runs(tmp_path, monkeypatch):
    calls = []
    for name in ("check", "plan"):
        original = getattr(jobs, name) if name == "plan" else jobs.checks.check
        counted = lambda run, name=name, original=original: (calls.append(name), original(run))[1]  # noqa: E731
        monkeypatch.setattr(jobs.checks if name == "check" else jobs, name, counted)
    words = ["scale=smoke", "corpus=single", "pretrain.steps=2", "finetune=none", f"paths.lab={tmp_path}"]
    assert sweep.launch([Job.of([*words, "hydra/launcher=basic"])]) == [""]
    assert sorted(calls) == ["check", "check", "plan", "plan"]
