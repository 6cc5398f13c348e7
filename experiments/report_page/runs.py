"""The table of all runs of a lab: what was asked of each, how it came out, and those that failed."""

from pathlib import Path
from typing import Any

import pandas as pd

from experiments.launch.ledger import Ledger
from physics_lm import progress, results
from physics_lm.store import inventory

Row = dict[str, Any]
Manifests = dict[str, dict[str, Any]]


def table(lab: Path, rows: pd.DataFrame) -> list[Row]:
    """Return a row per run and task: state, settings, right answers about held-out people, time."""
    settings, made = departures(rows) if len(rows) else {}, manifests(lab)
    found = [
        line
        for key, part in progress.over(list(rows.groupby("run", sort=False)), "runs", "run")
        for line in _tasks(made, part, settings[str(key)])
    ]
    done = set(rows["run"]) if len(rows) else set()
    return found + [_unfinished(entry) for entry in Ledger(lab).entries() if entry.key not in done]


def departures(rows: pd.DataFrame) -> dict[str, str]:
    """Return for each run the settings in which it departs from most of the others, as text.

    The corpus and the seed have columns of their own.
    """
    runs = rows.drop_duplicates("run")
    names = [name for name in results.settings(rows) if name != "seed" and not name.startswith("corpus.")]
    usual = {name: runs[name].mode(dropna=False).iloc[0] for name in names if runs[name].nunique(dropna=False) > 1}
    return {
        str(run["run"]): ", ".join(f"{name}={run[name]}" for name, value in usual.items() if run[name] != value)
        for _, run in runs.iterrows()
    }


def _tasks(made: Manifests, part: pd.DataFrame, settings: str) -> list[Row]:
    first = part.iloc[0]
    common = {
        "run": first["run"][:12],
        "state": "done",
        "corpus": first.get("corpus.name", ""),
        "seed": int(first.get("seed", 0)),
        "settings": settings,
        "seconds": round(seconds(made, first["run"]), 1),
    }
    lines = []
    for (probe, task), one in part.groupby(["probe", "task"], sort=False):
        test, train = (one[one["split"] == split] for split in ("test", "train"))
        right = results.clustered(test) if len(test) else None
        lines.append(
            {
                **common,
                "probe": probe,
                "task": task,
                "test": round(right.value, 1) if right else None,
                "interval": f"{right.low:.1f} to {right.high:.1f}" if right else "",
                "train": round(results.clustered(train).value, 1) if len(train) else None,
            }
        )
    return lines


def _unfinished(entry: Any) -> Row:
    return {
        "run": entry.key[:12], "state": entry.state, "corpus": entry.config.get("corpus", {}).get("name", ""),
        "seed": entry.config.get("seed", 0), "settings": entry.error or entry.name, "seconds": None, "probe": "",
        "task": "", "test": None, "interval": "", "train": None,
    }  # fmt: skip


def manifests(lab: Path) -> Manifests:
    """Return the manifest of every artifact of a lab, by key; what cannot be read is left out, and said."""
    return {manifest["key"]: manifest for manifest in inventory.manifests(lab).values()}


def steps(made: Manifests, key: str) -> list[dict[str, Any]]:
    """Return the manifests of a run's steps, the last first; those that were removed are left out."""
    found: dict[str, dict[str, Any]] = {}
    waiting = [key]
    while waiting:
        key = waiting.pop()
        if key in made and key not in found:
            found[key] = made[key]
            waiting += made[key]["inputs"].values()
    return list(found.values())


def seconds(made: Manifests, key: str) -> float:
    """Return how long a run's steps took together, whoever made them."""
    return float(sum(manifest["seconds"] for manifest in steps(made, key)))
