"""Add figures to the small store that the notebooks read: `python notebooks/make_store.py LAB SCALE FIGURE ...`.

The store has the rows of figures that a lab has drawn, without the texts of biographies, and the figures' tables and
claims. Everything in it was computed by a lab.
"""

import json
import shutil
import sys
from pathlib import Path

import pandas as pd

STORE = Path(__file__).resolve().parent / "store"


def copy_figure(lab: Path, scale: str, name: str) -> None:
    """Copy a figure's manifest, table and claims, and the rows of its runs."""
    source, target = lab / "figures" / scale / name, STORE / "figures" / scale / name
    target.mkdir(parents=True, exist_ok=True)
    for file in ("manifest.json", "table.csv", "claims.json"):
        shutil.copy(source / file, target / file)
    for steps in json.loads((source / "manifest.json").read_text())["runs"].values():
        copy_rows(lab, steps["probe"]["key"])


def copy_rows(lab: Path, key: str) -> None:
    """Copy the rows of a run without the texts of biographies and without a P-probe's rows on its training people.

    Of the values that a model recalls within biographies, the store keeps whether they are right but not their text.
    """
    rows = pd.read_parquet(lab / "artifacts" / "probe" / key / "rows.parquet")
    rows = rows[(rows["probe"] != "p_probe") | (rows["split"] == "test")].reset_index(drop=True)
    biography, linear = rows["task"] == "biography", rows["probe"].isin(["p_probe", "q_probe"])
    rows.loc[biography | linear, "prompt"] = ""
    rows.loc[biography, "prediction"] = ""
    logprob = rows["gold_logprob"].astype("float32")
    rows["gold_logprob"] = logprob.round(2).mask(biography | linear, logprob.round(1))
    target = STORE / "artifacts" / "probe" / key
    target.mkdir(parents=True, exist_ok=True)
    rows.to_parquet(target / "rows.parquet", index=False, compression="zstd", compression_level=19)


def remove_unused_rows() -> None:
    """Remove the rows of runs that no figure in the store uses any more."""
    manifests = [json.loads(path.read_text()) for path in STORE.glob("figures/*/*/manifest.json")]
    used = {steps["probe"]["key"] for manifest in manifests for steps in manifest["runs"].values()}
    for folder in (STORE / "artifacts" / "probe").iterdir():
        if folder.name not in used:
            shutil.rmtree(folder)


if __name__ == "__main__":
    lab, scale, *names = sys.argv[1:]
    for name in names:
        copy_figure(Path(lab), scale, name)
    remove_unused_rows()
