"""The table of all runs of a lab: their tasks, accuracies and times, and the runs that failed or are unfinished."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd

from experiments.launch.ledger import Entry, Ledger
from physics_lm import progress, results
from physics_lm.store import inventory

Row = dict[str, Any]
LACKING = ""  # in place of a setting that a run's kinds lack
Manifests = dict[str, dict[str, Any]]


def table(lab: Path, rows: pd.DataFrame) -> list[Row]:
    """Return a row per run and task: state, settings, accuracy on held-out people, seconds."""
    settings, manifests = unusual_settings(rows) if len(rows) else {}, load_manifests(lab)
    lines = [
        line
        for run, run_rows in progress.track(list(rows.groupby("run", sort=False)), "runs", "run")
        for line in _task_rows(manifests, run_rows, settings[str(run)])
    ]
    finished = set(rows["run"]) if len(rows) else set()
    return lines + [_unfinished_row(entry) for entry in Ledger(lab).entries() if entry.key not in finished]


def unusual_settings(rows: pd.DataFrame) -> dict[str, str]:
    """Return for each run, as text, the settings in which it differs from most other runs.

    The corpus and the seed have columns of their own.
    """
    runs = rows.drop_duplicates("run")
    names = [name for name in results.settings(rows) if name != "seed" and not name.startswith("corpus.")]
    texts = runs[names].astype(object).where(runs[names].notna(), LACKING).astype(str)
    modes = {name: texts[name].mode().iloc[0] for name in names if texts[name].nunique() > 1}
    return {
        str(run): ", ".join(
            f"{name}={line[name]}" for name, usual in modes.items() if line[name] not in (usual, LACKING)
        )
        for run, (_, line) in zip(runs["run"], texts.iterrows(), strict=True)
    }


def _task_rows(manifests: Manifests, rows: pd.DataFrame, settings: str) -> Iterator[Row]:
    first = rows.iloc[0]
    common = {
        "run": first["run"][:12], "state": "done", "corpus": first.get("corpus.name", ""),
        "seed": int(first.get("seed", 0)), "settings": settings,
        "seconds": round(run_seconds(manifests, first["run"]), 1),
    }  # fmt: skip
    for (probe, task), questions in rows.groupby(["probe", "task"], sort=False):
        test, train = (questions[questions["split"] == split] for split in ("test", "train"))
        accuracy = results.clustered(test) if len(test) else None
        yield {
            **common, "probe": probe, "task": task, "test": round(accuracy.value, 1) if accuracy else None,
            "interval": f"{accuracy.low:.1f} to {accuracy.high:.1f}" if accuracy else "",
            "train": round(results.clustered(train).value, 1) if len(train) else None,
        }  # fmt: skip


def _unfinished_row(entry: Entry) -> Row:
    return {
        "run": entry.key[:12], "state": entry.state, "corpus": entry.config.get("corpus", {}).get("name", ""),
        "seed": entry.config.get("seed", 0), "settings": entry.error or entry.name, "seconds": None, "probe": "",
        "task": "", "test": None, "interval": "", "train": None,
    }  # fmt: skip


def load_manifests(lab: Path) -> Manifests:
    """Return the manifest of every artifact of a lab, by key; unreadable ones are left out with a warning."""
    return {manifest["key"]: manifest for manifest in inventory.manifests(lab).values()}


def run_steps(manifests: Manifests, key: str) -> list[dict[str, Any]]:
    """Return the manifests of a run's steps, the last step first; steps that were removed are left out."""
    steps: dict[str, dict[str, Any]] = {}
    stack = [key]
    while stack:
        key = stack.pop()
        if key in manifests and key not in steps:
            steps[key] = manifests[key]
            stack += manifests[key]["inputs"].values()
    return list(steps.values())


def run_seconds(manifests: Manifests, key: str) -> float:
    """Return the total seconds of a run's steps, whichever run computed them."""
    return float(sum(manifest["seconds"] for manifest in run_steps(manifests, key)))
