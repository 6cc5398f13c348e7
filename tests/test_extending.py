"""docs/extending.md, followed in a copy of the tree: its files are written, its commands run, nothing else edited."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

from data_gen import facts
from data_gen.facts import none as no_facts
from physics_lm import methods, results
from physics_lm.methods import none as no_method

ROOT = Path(__file__).resolve().parents[1]
PAGE = (ROOT / "docs" / "extending.md").read_text()
SECTIONS = {part.splitlines()[0]: part for part in re.split(r"^## ", PAGE, flags=re.MULTILINE)[1:]}
COPIED = ("data_gen", "physics_lm", "experiments", "conf", "hydra_plugins", "tests/helpers", "tests/conftest.py")


def files(section):
    """Return the files that a section gives, by path."""
    found = re.findall(r"File\s+`([^`]+)`:\n\n```\w+\n(.*?)```", SECTIONS[section], re.DOTALL)
    return dict(found)


def commands(section):
    blocks = re.findall(r"```sh\n(.*?)```", SECTIONS[section], re.DOTALL)
    return [line.split()[1:] for block in blocks for line in block.splitlines()]


@pytest.fixture
def copy(tmp_path):
    """Return a copy of the tree."""
    folder = tmp_path / "tree"
    for name in (*COPIED, "pyproject.toml"):
        source, target = ROOT / name, folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        (shutil.copytree if source.is_dir() else shutil.copy)(source, target)
    return folder


def follow(copy, section):
    """Write a section's files, none of which may be there."""
    for name, text in files(section).items():
        assert not (copy / name).exists()
        (copy / name).parent.mkdir(parents=True, exist_ok=True)
        (copy / name).write_text(text)


def execute(copy, *words):
    """Run a command of the copy; return its output and its errors."""
    environment = {**os.environ, "PYTHONPATH": str(copy), "PYTHONDONTWRITEBYTECODE": "1"}
    done = subprocess.run([sys.executable, *words], cwd=copy, env=environment, capture_output=True, text=True)
    return done.stdout, done.stderr


def rows(copy, section):
    """Follow a section, run its commands, and return the rows of each."""
    follow(copy, section)
    made = []
    for words in commands(section):
        output, errors = execute(copy, *words)
        assert output.strip(), errors[-2000:]
        made += [pd.read_parquet(copy / path) for path in output.split() if path.endswith("rows.parquet")]
    return made


def test_every_recipe_has_files_and_a_command():
    assert len(SECTIONS) == 10
    for section in SECTIONS:
        assert files(section)
        assert commands(section)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("section", "column", "value"),
    [
        ("An augmentation", "corpus.entries", 8),
        ("A question family", "questions.letters", 2),
        ("A model kind", "model.ratio", 2),
        ("A fine-tuning method", "finetune.method", "norms"),
        ("An objective", "pretrain.objective", "smoothed"),
        ("Facts", "facts.title", "capital"),
        ("A launcher", "seed", 0),
    ],
)
def test_a_recipe_gives_rows_with_its_setting(copy, section, column, value):
    first, *_ = rows(copy, section)
    assert set(first[column]) == {value}


@pytest.mark.slow
def test_an_added_probe_has_its_setting_in_its_key_and_its_rows_and_its_test_passes(copy):
    eight, three = rows(copy, "A probe")
    assert (set(eight["probe.bins"]), set(three["probe.bins"])) == ({8}, {3})
    assert "probe.workers" not in eight
    assert set(eight["run"]) != set(three["run"])
    run = ("-m", "experiments.run", "scale=smoke", "corpus=single", "finetune=none")
    assert execute(copy, *run, "probe=lengths", "probe.workers=5")[0].split("/")[-2] == eight["run"].iloc[0]
    assert len(list((copy / "lab" / "artifacts" / "pretrain").iterdir())) == 1
    for words, message in (
        (["probe=lengths", "probe.bins=1"], "probe.bins=1: must be 2 or more"),
        (["probe=extraction", "probe.bins=3"], "the choice of probe has no such setting; choose probe=lengths"),
        (["probe=lengths", "questions=classification", "questions.hint=half"], "probe.kind=lengths: needs questions"),
    ):
        assert message in execute(copy, *run, *words)[1]
    output, _ = execute(copy, "-m", "pytest", "-p", "no:cacheprovider", "tests/physics_lm/probes/test_lengths.py")
    assert "1 passed" in output, output[-2000:]
    torch = "import sys, experiments.run; print({'torch', 'pandas'} & set(sys.modules))"
    assert execute(copy, "-c", torch)[0].strip() == "set()"


@pytest.mark.slow
def test_an_added_figure_is_drawn(copy):
    follow(copy, "A figure")
    (command,) = commands("A figure")
    execute(copy, *command)
    assert {path.name for path in (copy / "lab" / "figures" / "smoke" / "entries").iterdir()} >= {
        "figure.png",
        "table.csv",
        "claims.json",
    }


@pytest.mark.slow
def test_an_added_stage_costs_three_lines(copy):
    follow(copy, "A stage")
    edits = re.findall(r"In `([^`]+)`, after `([^`]+)`[^\n]*:\n\n```\w+\n(.*?)```", SECTIONS["A stage"], re.DOTALL)
    assert len(edits) == 3
    for name, anchor, text in edits:
        *imports, line = text.splitlines()
        add(copy / name, anchor, imports, line)
    (words,) = commands("A stage")
    plain = words[:-1]
    outputs = [execute(copy, *command) for command in (plain, words, words)]
    paths = [output.strip() for output, _ in outputs]
    assert paths[1] == paths[2] != paths[0], outputs[1][1][-2000:]
    manifest = next((copy / "lab" / "artifacts" / "prune").glob("*/manifest.json")).read_text()
    assert '"zeros"' in manifest
    loaded = results.load(copy / "lab")
    assert set(loaded["prune.share"]) == {0.0, 0.5}


@pytest.mark.parametrize(
    ("package", "makes", "base"), [("facts", "make", "ToldFactsConfig"), ("methods", "attach", "FinetuneConfig")]
)
def test_a_kind_that_makes_something_without_the_settings_for_it_is_a_defect(monkeypatch, package, makes, base):
    module = {"facts": no_facts, "methods": no_method}[package]
    monkeypatch.setattr(module, makes, None, raising=False)
    load = facts.load if package == "facts" else lambda config: methods.load("finetune", config)
    with pytest.raises(TypeError, match=f"its Config must extend {base}"):
        load(module.Config())


def add(path, anchor, imports, line):
    """Add a line after the one that begins with the anchor, or text after the anchor where it stands in a line."""
    text = path.read_text()
    place = text.rindex(anchor)
    if line.strip() == line and line.endswith(","):
        text = f"{text[: place + len(anchor)]}{line} {text[place + len(anchor) :]}"
    else:
        end = text.index("\n", place) + 1
        text = f"{text[:end]}{line}\n{text[end:]}"
    if imports:
        place = re.search(r"^from ", text, re.MULTILINE).start()
        text = text[:place] + "".join(f"{item}\n" for item in imports) + text[place:]
    path.write_text(text)
