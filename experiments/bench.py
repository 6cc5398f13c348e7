"""Speed, measured side by side in one run: `python -m experiments.bench`, or `only=NAME` for one benchmark.

Where there is a GPU only what needs one is measured, elsewhere all the rest; rows of the other device are kept.
"""

import json
import os
import platform
from dataclasses import asdict
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

from omegaconf import DictConfig

from experiments import benchmarks
from experiments.launch.hydra_internals import command

LIBRARIES = ("torch", "transformers", "tokenizers", "numpy")
COLUMNS = ("name", "unit", "ours", "rival", "rival_name", "ratio", "better", "target", "holds", "device")


def run_benchmarks(only: str, lab: Path) -> Path:
    """Run one benchmark, or all where `only` is empty; write their rows and return the path of bench.json.

    The rows of other benchmarks, and those that only another device can measure, stay.
    """
    modules = {name: benchmarks.benchmark(name) for name in ([only] if only else benchmarks.names())}
    import torch

    lab.mkdir(parents=True, exist_ok=True)
    cuda, source = torch.cuda.is_available(), _table_path(lab).with_suffix(".json")
    old_rows = json.loads(source.read_text())["rows"] if source.exists() else []
    rows = {name: [row for row in old_rows if row["benchmark"] == name] for name in benchmarks.names()}
    for name, module in modules.items():
        rows[name] = merge_rows(rows[name], [_to_dict(name, row) for row in module.rows(cuda)], cuda)
        _write(lab, [row for benchmark_rows in rows.values() for row in benchmark_rows])
    return lab / "bench.json"


def _to_dict(benchmark: str, row: benchmarks.Row) -> dict[str, Any]:
    values = {**asdict(row), "ratio": row.ratio, "holds": row.holds}
    command = f"python -m experiments.bench only={benchmark}"
    return {**{name: values[name] for name in COLUMNS}, "benchmark": benchmark, "command": command, **machine_info()}


def merge_rows(old: list[dict[str, Any]], new: list[dict[str, Any]], cuda: bool) -> list[dict[str, Any]]:
    """Return the new rows, and the old ones that only another device measures: a CPU where `cuda`, else a GPU."""
    measured = {row["name"] for row in new if row["ours"] is not None}
    other_device = [row for row in old if row["ours"] is not None and row["device"].startswith("gpu") != cuda]
    kept = {row["name"]: row for row in other_device if row["name"] not in measured}
    fresh = [row for row in new if row["name"] not in kept]
    return [*kept.values(), *fresh] if cuda else [*fresh, *kept.values()]


def _table_path(lab: Path) -> Path:
    """Return the file of a lab's table, next to which its rows are kept as JSON; that of lab/ is committed in docs/."""
    return (Path("docs") if lab == Path("lab") else lab) / "benchmarks.md"


def _write(lab: Path, rows: list[dict[str, Any]]) -> None:
    path, data = _table_path(lab), json.dumps({"rows": rows}, indent=2) + "\n"
    path.parent.mkdir(exist_ok=True)
    for target, text in ((lab / "bench.json", data), (path.with_suffix(".json"), data), (path, markdown(rows))):
        temporary = target.with_suffix(".tmp")
        temporary.write_text(text, encoding="utf-8")
        os.replace(temporary, target)


def machine_info() -> dict[str, str]:
    """Return the date, the library versions and the hardware that a row was measured with."""
    versions = ", ".join(f"{name} {version(name)}" for name in LIBRARIES)
    import torch

    from physics_lm.device import default_device, has_fast_bf16

    device = default_device()
    bf16 = "bf16 instructions" if has_fast_bf16(device) else "no bf16 instructions"
    hardware = f"{os.cpu_count()} cores, {platform.processor() or platform.machine()}, {bf16}"
    if device.type == "cuda":
        hardware = f"{torch.cuda.get_device_name(device)}, {hardware}"
    return {"made": datetime.now(UTC).date().isoformat(), "versions": versions, "hardware": hardware}


def markdown(rows: list[dict[str, Any]]) -> str:
    """Return the rows as a page of Markdown; each has the command that measures it."""
    lines = [
        "# Benchmarks", "", "Written by `python -m experiments.bench`. `ratio` is ours / rival; a target is on the",
        "ratio where there is a rival, else on ours. Empty: needs a GPU; the command fills it.", "",
        "| name | unit | ours | rival | ratio | better | target | holds | device | command |", "|---" * 10 + "|",
    ]  # fmt: skip
    for row in rows:
        rival = f"{format_number(row['rival'])} ({row['rival_name']})" if row["rival_name"] else ""
        holds = {True: "yes", False: "NO", None: ""}[row["holds"]]
        ours, ratio, target = (format_number(row[name]) for name in ("ours", "ratio", "target"))
        cells = (row["name"], row["unit"], ours, rival, ratio, row["better"], target, holds, row["device"])
        lines.append(f"| {' | '.join(cells)} | `{row['command']}` |")
    machines = sorted({f"- {row['made']}: {row['hardware']}; {row['versions']}" for row in rows})
    return "\n".join([*lines, "", "Measured on", "", *machines, ""])


def format_number(value: float | None) -> str:
    """Return a number with three significant digits, or an empty text for None."""
    return "" if value is None else f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.3g}"


@command
def main(config: DictConfig) -> None:
    """Run the benchmarks and print the path of their rows."""
    print(run_benchmarks(config.only, Path(config.paths.lab)))


if __name__ == "__main__":
    main()
