"""Speed, measured side by side in one run: `python -m experiments.bench`, or `only=NAME`.

Where there is a GPU what needs one is measured, elsewhere all the rest; the other's rows are kept.
"""

import json
import os
import platform
from collections.abc import Iterable, Iterator
from dataclasses import asdict
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

import hydra
from omegaconf import DictConfig

from experiments import benchmarks
from experiments.launch.config import CONF, register
from experiments.launch.errors import guarded

register()
LIBRARIES = ("torch", "transformers", "tokenizers", "numpy")
COLUMNS = ("name", "unit", "ours", "rival", "rival_name", "ratio", "better", "target", "holds", "device")


def bench(only: str, lab: Path) -> Path:
    """Measure one benchmark or all, keep what was measured otherwise, and write the files; return the json's path."""
    chosen = [only] if only else benchmarks.names()
    modules = {name: benchmarks.benchmark(name) for name in chosen}
    import torch

    lab.mkdir(parents=True, exist_ok=True)
    cuda, kept = torch.cuda.is_available(), _kept(lab)
    rows = {name: [row for row in kept if row["benchmark"] == name] for name in benchmarks.names()}
    for name, module in modules.items():
        rows[name] = joined(rows[name], list(_measured(name, module.rows(cuda))), cuda)
        _write(lab, [row for part in rows.values() for row in part])
    return lab / "bench.json"


def _measured(name: str, made: Iterable[benchmarks.Row]) -> Iterator[dict[str, Any]]:
    for one in made:
        row = {**asdict(one), "ratio": one.ratio, "holds": one.holds}
        command = f"python -m experiments.bench only={name}"
        yield {**{key: row[key] for key in COLUMNS}, "benchmark": name, "command": command, **machine()}


def joined(before: list[dict[str, Any]], made: list[dict[str, Any]], cuda: bool) -> list[dict[str, Any]]:
    """Return new rows and those of before that only another device can measure: a GPU's (cuda) or a CPU's."""
    measured = {row["name"] for row in made if row["ours"] is not None}
    other = [row for row in before if row["ours"] is not None and row["device"].startswith("gpu") != cuda]
    kept = {row["name"]: row for row in other if row["name"] not in measured}
    fresh = [row for row in made if row["name"] not in kept]
    return [*kept.values(), *fresh] if cuda else [*fresh, *kept.values()]


def _page(lab: Path) -> Path:
    """Return where a lab's table lies, and beside it the rows it was written from: the checkout's own in docs/."""
    return (Path("docs") if lab == Path("lab") else lab) / "benchmarks.md"


def _kept(lab: Path) -> list[dict[str, Any]]:
    """Return the rows that the table of a lab was written from, which the checkout's come with."""
    path = _page(lab).with_suffix(".json")
    rows: list[dict[str, Any]] = json.loads(path.read_text())["rows"] if path.exists() else []
    return rows


def _write(lab: Path, rows: list[dict[str, Any]]) -> None:
    page, told = _page(lab), json.dumps({"rows": rows}, indent=2) + "\n"
    page.parent.mkdir(exist_ok=True)
    for path, text in ((lab / "bench.json", told), (page.with_suffix(".json"), told), (page, table(rows))):
        aside = path.with_suffix(".tmp")
        aside.write_text(text, encoding="utf-8")
        os.replace(aside, path)


def machine() -> dict[str, str]:
    """Return when and on what a row was measured."""
    versions = ", ".join(f"{name} {version(name)}" for name in LIBRARIES)
    import torch

    from physics_lm import device

    where = device.device()
    fast = "bf16 instructions" if device.fast_bf16(where) else "no bf16 instructions"
    hardware = f"{os.cpu_count()} cores, {platform.processor() or platform.machine()}, {fast}"
    if where.type == "cuda":
        hardware = f"{torch.cuda.get_device_name(where)}, {hardware}"
    return {"made": datetime.now(UTC).date().isoformat(), "versions": versions, "hardware": hardware}


def table(rows: list[dict[str, Any]]) -> str:
    """Return the rows as a page; a row that this machine cannot measure stands beside the command that does."""
    lines = [
        "# Benchmarks", "", "Written by `python -m experiments.bench`. `ratio` is ours / rival; a target is on the",
        "ratio where there is a rival, else on ours. Empty: needs a GPU; the command fills it.", "",
        "| name | unit | ours | rival | ratio | better | target | holds | device | command |", "|---" * 10 + "|",
    ]  # fmt: skip
    for row in rows:
        rival = f"{number(row['rival'])} ({row['rival_name']})" if row["rival_name"] else ""
        holds = {True: "yes", False: "NO", None: ""}[row["holds"]]
        ours, ratio, target = (number(row[key]) for key in ("ours", "ratio", "target"))
        cells = (row["name"], row["unit"], ours, rival, ratio, row["better"], target, holds, row["device"])
        lines.append(f"| {' | '.join(cells)} | `{row['command']}` |")
    made = sorted({f"{row['made']}: {row['hardware']}; {row['versions']}" for row in rows})
    return "\n".join([*lines, "", "Measured on", "", *[f"- {text}" for text in made], ""])


def number(value: float | None) -> str:
    """Return a number with three digits that count, or nothing."""
    return "" if value is None else f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.3g}"


@hydra.main(version_base="1.3", config_path=CONF, config_name="config")
def main(config: DictConfig) -> None:
    """Measure and print the table."""
    print(guarded(lambda: bench(config.only, Path(config.paths.lab))))


if __name__ == "__main__":
    main()
