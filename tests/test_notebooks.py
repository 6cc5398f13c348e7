import json
import os
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

ROOT = Path(__file__).resolve().parents[1]
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
STORE = ROOT / "notebooks" / "store"
SLOW = ("05_your_own_sweep",)  # trains


def named(path):
    return pytest.param(path, id=path.stem, marks=[pytest.mark.slow] if path.stem in SLOW else [])


@pytest.mark.parametrize("path", [named(path) for path in NOTEBOOKS])
def test_a_notebook_runs_on_the_committed_store(path, monkeypatch):
    monkeypatch.delenv("LAB", raising=False)
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    monkeypatch.setenv("MPLBACKEND", "agg")
    monkeypatch.setenv("PYDEVD_DISABLE_FILE_VALIDATION", "1")
    monkeypatch.setenv("IPYTHONDIR", os.devnull + "-none")
    notebook = nbformat.read(path, as_version=4)
    NotebookClient(notebook, timeout=300, resources={"metadata": {"path": str(path.parent)}}).execute()
    said = [output for cell in notebook.cells if cell.cell_type == "code" for output in cell.outputs]
    assert said, "a notebook that shows nothing"
    assert not [output for output in said if output.output_type == "stream" and output.name == "stderr"]


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_is_an_essay_of_few_cells_without_outputs(path):
    notebook = nbformat.read(path, as_version=4)
    nbformat.validate(notebook)
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    text = [cell for cell in notebook.cells if cell.cell_type == "markdown"]
    assert all(cell.outputs == [] and cell.execution_count is None for cell in code)
    assert len(notebook.cells) <= 20
    assert len(text) >= len(code) - 1
    assert text[0].source.startswith("# ")


def test_the_store_is_small_and_holds_what_a_lab_computed():
    files = [path for path in STORE.rglob("*") if path.is_file()]
    assert sum(path.stat().st_size for path in files) < 6_000_000
    for manifest in STORE.glob("figures/*/*/manifest.json"):
        for steps in json.loads(manifest.read_text())["runs"].values():
            assert (STORE / "artifacts" / "probe" / steps["probe"]["key"] / "rows.parquet").exists()
