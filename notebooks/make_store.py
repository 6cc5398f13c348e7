"""Add to the small store that the notebooks read: `python notebooks/make_store.py LAB SCALE FIGURE ...`.

The rows of figures that a lab has drawn, without the texts of biographies, and the figures' tables and claims.
Everything in it is computed by the lab; nothing is made up.
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
    """Copy the rows of a run, slimmed: without the text of biographies, and what a P-probe says of its own people.

    Of values read back in biographies it stays whether they were right, not what was read.
    """
    rows = pd.read_parquet(lab / "artifacts" / "probe" / key / "rows.parquet")
    rows = rows[(rows["probe"] != "p_probe") | (rows["split"] == "test")].reset_index(drop=True)
    told, linear = rows["task"] == "biography", rows["probe"].isin(["p_probe", "q_probe"])
    rows.loc[told | linear, "prompt"] = ""
    rows.loc[told, "prediction"] = ""
    logprob = rows["gold_logprob"].astype("float32")
    rows["gold_logprob"] = logprob.round(2).mask(told | linear, logprob.round(1))
    target = STORE / "artifacts" / "probe" / key
    target.mkdir(parents=True, exist_ok=True)
    rows.to_parquet(target / "rows.parquet", index=False, compression="zstd", compression_level=19)


def forget() -> None:
    """Remove the rows of runs that no figure of the store names any more."""
    manifests = [json.loads(path.read_text()) for path in STORE.glob("figures/*/*/manifest.json")]
    named = {steps["probe"]["key"] for manifest in manifests for steps in manifest["runs"].values()}
    for folder in (STORE / "artifacts" / "probe").iterdir():
        if folder.name not in named:
            shutil.rmtree(folder)


if __name__ == "__main__":
    lab, scale, *names = sys.argv[1:]
    for name in names:
        copy_figure(Path(lab), scale, name)
    forget()
