"""Time to figure: what users waited for, read from the manifests of the kept figures, and where it went."""

import json
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from experiments.benchmarks import Row
from experiments.launch import figure_output

KEPT = Path(__file__).resolve().parents[2] / "reproduced"
MINUTE = 60
DRAWN = 0.05  # of the arms' own seconds: less than that trains nothing
FIRST, EACH, ALL = 8 * MINUTE, 10 * MINUTE, 90 * MINUTE


def rows(cuda: bool) -> Iterator[Row]:
    """Return a row for each figure of the laptop, for all as one sweep, for each step, and for extraction on a GPU."""
    del cuda
    laptop = manifests("laptop")
    for name, manifest in laptop.items():
        most, seconds = FIRST if name == "extraction" else EACH, waited(manifest)
        where = device(manifest) if seconds else "not timed alone"
        yield Row(f"figure {name}", "s", seconds, None, "", "lower", most, where)
    if total := whole("laptop"):
        name = f"all {len(total['figures'])} laptop figures, one command"
        yield Row(name, "s", total["seconds"], None, "", "lower", ALL, device(total))
    for step, seconds in spent(laptop).items():
        yield Row(f"of which {step} (core-seconds)", "s", seconds, None, "", "lower", None, "the kept manifests' steps")
    gpu = manifests("gpu").get("extraction")
    yield Row("figure extraction, scale=gpu", "s", gpu["seconds"] if gpu else None, None, "", "lower", FIRST, "gpu")


def manifests(scale: str) -> dict[str, dict[str, Any]]:
    """Return the manifest of every kept figure of a scale."""
    return {path.parent.name: json.loads(path.read_text()) for path in sorted(KEPT.glob(f"{scale}/*/manifest.json"))}


def whole(scale: str) -> dict[str, Any] | None:
    """Return what `figure=all` noted where it made every kept figure of a scale from nothing."""
    path = KEPT / scale / figure_output.ALL
    noted: dict[str, Any] = json.loads(path.read_text()) if path.exists() else {}
    made = noted and noted["ran"] == noted["jobs"] and noted["figures"] == list(manifests(scale))
    return noted if made else None


def waited(manifest: dict[str, Any]) -> float | None:
    """Return what the command took, or None where it found the arms there and only drew them."""
    work = sum(spent({"": manifest}).values()) / manifest["cores"]
    return float(manifest["seconds"]) if manifest["seconds"] > DRAWN * work else None


def device(manifest: dict[str, Any]) -> str:
    """Return what a figure was made on."""
    return f"{manifest['device']}, {manifest['cores']} cores"


def spent(figures: dict[str, dict[str, Any]]) -> dict[str, float]:
    """Return the seconds of each step over all figures; what several figures share is counted once."""
    seconds: dict[str, dict[str, float]] = defaultdict(dict)
    for manifest in figures.values():
        for steps in manifest["runs"].values():
            for step, made in steps.items():
                seconds[step][made["key"]] = made["seconds"]
    return {step: sum(made.values()) for step, made in seconds.items()}
