"""Time to figure: the seconds of each committed figure and of its steps, read from the manifests in `reproduced`."""

import json
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from experiments.benchmarks import Row
from experiments.launch import figure_output

REPRODUCED = Path(__file__).resolve().parents[2] / "reproduced"
MINUTE = 60
REDRAWN = 0.05  # a command that took a smaller share of its arms' seconds found them computed and only drew them
EXTRACTION_TARGET, TARGET, ALL_TARGET = 8 * MINUTE, 10 * MINUTE, 90 * MINUTE


def rows(cuda: bool) -> Iterator[Row]:
    """Return a row for each figure of the laptop, for all as one sweep, for each step, and for extraction on a GPU."""
    del cuda
    laptop = manifests("laptop")
    for name, manifest in laptop.items():
        target, seconds = EXTRACTION_TARGET if name == "extraction" else TARGET, figure_seconds(manifest)
        hardware = hardware_of(manifest) if seconds else "not timed alone"
        yield Row(f"figure {name}", "s", seconds, None, "", "lower", target, hardware)
    if total := all_figures("laptop"):
        name = f"all {len(total['figures'])} laptop figures, one command"
        yield Row(name, "s", total["seconds"], None, "", "lower", ALL_TARGET, hardware_of(total))
    for step, seconds in step_seconds(laptop).items():
        yield Row(f"of which {step} (core-seconds)", "s", seconds, None, "", "lower", None, "the kept manifests' steps")
    gpu = manifests("gpu").get("extraction")
    seconds = gpu["seconds"] if gpu else None
    yield Row("figure extraction, scale=gpu", "s", seconds, None, "", "lower", EXTRACTION_TARGET, "gpu")


def manifests(scale: str) -> dict[str, dict[str, Any]]:
    """Return the manifest of every committed figure of a scale, by the figure's name."""
    paths = sorted(REPRODUCED.glob(f"{scale}/*/manifest.json"))
    return {path.parent.name: json.loads(path.read_text()) for path in paths}


def all_figures(scale: str) -> dict[str, Any] | None:
    """Return the record of `figure=all`, or None where it did not compute every job of all committed figures."""
    path = REPRODUCED / scale / figure_output.ALL_JSON
    record: dict[str, Any] = json.loads(path.read_text()) if path.exists() else {}
    complete = record and record["ran"] == record["jobs"] and record["figures"] == list(manifests(scale))
    return record if complete else None


def figure_seconds(manifest: dict[str, Any]) -> float | None:
    """Return the seconds of the command, or None where it found its arms computed and only drew them."""
    work = sum(step_seconds({"": manifest}).values()) / manifest["cores"]
    return float(manifest["seconds"]) if manifest["seconds"] > REDRAWN * work else None


def hardware_of(manifest: dict[str, Any]) -> str:
    """Return the device and the cores that a figure was computed on."""
    return f"{manifest['device']}, {manifest['cores']} cores"


def step_seconds(figures: dict[str, dict[str, Any]]) -> dict[str, float]:
    """Return the seconds of each step over all figures; an artifact that several figures share counts once."""
    seconds: dict[str, dict[str, float]] = defaultdict(dict)
    for manifest in figures.values():
        for steps in manifest["runs"].values():
            for step, record in steps.items():
                seconds[step][record["key"]] = record["seconds"]
    return {step: sum(by_key.values()) for step, by_key in seconds.items()}
