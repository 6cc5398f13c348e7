"""An addition is new files and nothing else: each is made in a temporary copy, and run there."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

ROOT = Path(__file__).resolve().parents[1]

PROBE = '''
"""How many tokens the questions have, by bins."""

from dataclasses import dataclass

from data_gen.questions.question import SPLITS
from data_gen.settings import kind, setting
from physics_lm import needs
from physics_lm.config.probe import ProbeConfig

VERSION = 1
NEEDS = (needs.no_hints,)


@dataclass(frozen=True)
class Config(ProbeConfig):
    """bins: number of bins. workers: how many count; it changes nothing."""

    kind: str = kind("lengths")
    bins: int = setting(4, least=2)
    workers: int = setting(1, least=1, decides=False)


def rows(subject, state):
    import pandas as pd

    asked = [question for split in SPLITS for question in subject.questions(split)]
    names, bins = ("person", "attribute", "split", "prompt", "gold"), subject.config.probe.bins
    items = [{name: getattr(question, name) for name in names} for question in asked]
    table = pd.DataFrame(items).assign(probe="lengths", task="bin", prediction="", correct=True)
    return table.assign(bin=table["prompt"].str.len() % bins)
'''
CHOICE = "defaults: [/schema/probe/lengths@_here_, _self_]\nkind: lengths\nbins: 8\n"
TEST = """
import pins

from physics_lm.probes import lengths


def test_the_version_and_its_rows_change_together(lab, smoke, tmp_path):
    rows = pins.rows(smoke("corpus=multi2_permute", "finetune=none", "probe=lengths"), lab.path, ["bin"])
    assert pins.pinned(lengths, [rows[0], len(rows[1])])[0] == 1
"""


@pytest.fixture(scope="module")
def copy(tmp_path_factory):
    """Return a copy of the tree with a probe more: a module, a yaml and a test."""
    folder = tmp_path_factory.mktemp("copy") / "tree"
    names = ("data_gen", "physics_lm", "experiments", "conf", "hydra_plugins", "tests/helpers", "tests/conftest.py")
    for name in (*names, "pyproject.toml"):
        source, target = ROOT / name, folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        (shutil.copytree if source.is_dir() else shutil.copy)(source, target)
    for name, text in (
        ("physics_lm/probes/lengths.py", PROBE),
        ("conf/probe/lengths.yaml", CHOICE),
        ("tests/physics_lm/probes/test_lengths.py", TEST),
    ):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text.lstrip())
    return folder


def execute(copy, *words):
    """Run a command of the copy; return its output and its errors."""
    environment = {**os.environ, "PYTHONPATH": str(copy), "PYTHONDONTWRITEBYTECODE": "1"}
    done = subprocess.run([sys.executable, "-m", *words], cwd=copy, env=environment, capture_output=True, text=True)
    return done.stdout, done.stderr


@pytest.mark.slow
def test_an_added_probe_has_its_setting_in_its_key_and_its_rows(copy, tmp_path):
    run = ("experiments.run", "scale=smoke", "corpus=single", "finetune=none", f"paths.lab={tmp_path}", "probe=lengths")
    files = [execute(copy, *run, *words)[0].strip() for words in ((), ("probe.bins=3",), ("probe.workers=5",))]
    assert len({files[0], files[1]}) == 2
    assert files[2] == files[0]
    for file, bins in zip(files, (8, 3), strict=False):
        rows = pd.read_parquet(tmp_path / file if not Path(file).is_absolute() else file)
        assert set(rows["probe.bins"]) == {bins}
        assert rows["bin"].max() < bins
        assert "probe.workers" not in rows
    assert len(list((tmp_path / "artifacts" / "pretrain").iterdir())) == 1
    for words, message in (
        (["probe=lengths", "probe.bins=1"], "probe.bins=1: must be 2 or more"),
        (
            ["probe=extraction", "probe.bins=3"],
            "probe.bins: the choice of probe has no such setting; choose probe=lengths",
        ),
        (["probe=lengths", "questions=classification", "questions.hint=half"], "probe.kind=lengths: needs questions"),
    ):
        assert message in execute(copy, "experiments.run", "scale=smoke", f"paths.lab={tmp_path}", *words)[1]


@pytest.mark.slow
def test_the_test_of_an_added_probe_runs_in_the_copy(copy):
    output, _ = execute(copy, "pytest", "-p", "no:cacheprovider", "tests/physics_lm/probes/test_lengths.py")
    assert "1 passed" in output
