"""What the jobs of a lab are at, while a sweep runs or after: `python -m experiments.status`."""

import time
from dataclasses import replace
from pathlib import Path

import hydra
from omegaconf import DictConfig

from experiments.launch.config import CONF, register
from experiments.launch.errors import guarded
from experiments.launch.ledger import Entry, Ledger

register()


def table(ledger: Ledger, now: float) -> str:
    """Return a line for every job, and one for the whole: how each stands and the time left."""
    entries = ledger.entries()
    if not entries:
        return f"no jobs in {ledger.folder}: start one with experiments.run -m or experiments.reproduce"
    entries = [_standing(ledger, entry) for entry in entries]
    lines = []
    for sweep in dict.fromkeys(entry.sweep for entry in entries):
        jobs = [entry for entry in entries if entry.sweep == sweep]
        lines.append(f"sweep {sweep}")
        lines += [f"  {entry.state:11} {_detail(entry, now):38} {entry.name}" for entry in jobs]
    return "\n".join([*lines, summary(entries, now)])


def summary(entries: list[Entry], now: float) -> str:
    """Return how many jobs stand how, and the seconds left at the pace of those that are done."""
    states = [entry.state for entry in entries]
    counts = ", ".join(f"{states.count(state)} {state}" for state in dict.fromkeys(states))
    running = [entry for entry, state in zip(entries, states, strict=True) if state == "running"]
    waiting = [entry for entry, state in zip(entries, states, strict=True) if state == "planned"]
    if not running:
        return counts
    left = sum(max(0.0, _expected(entry, entries) - (now - entry.started)) for entry in running)
    left += sum(_expected(entry, entries) for entry in waiting)
    return f"{counts}; about {clock(left / len(running))} left"


def _expected(entry: Entry, entries: list[Entry]) -> float:
    """Return the seconds a job takes: the mean of its sweep's jobs that are done, or what its scale says."""
    done = [one for one in entries if one.sweep == entry.sweep and one.state == "done" and one.started]
    took = [one.ended - one.started for one in done]
    return sum(took) / len(took) if took else entry.expected


def _standing(ledger: Ledger, entry: Entry) -> Entry:
    """Return an entry as it stands by the store: rows that are there are done, whoever made them."""
    if ledger.alive(entry):
        return entry
    if ledger.has_rows(entry.key):
        return entry if entry.state == "done" else replace(entry, state="done", started=0.0)
    return replace(entry, state={"running": "interrupted", "done": "removed"}.get(entry.state, entry.state))


def _detail(entry: Entry, now: float) -> str:
    if entry.state == "failed":
        return entry.error
    if entry.state == "done":
        return f"{clock(entry.ended - entry.started)}, {entry.peak_mb:,.0f} MB" if entry.started else "was there"
    if entry.state == "planned":
        return ""
    doing = entry.doing
    if not doing:
        return f"for {clock(now - entry.started)}"
    left = "" if doing["left"] is None else f", {clock(doing['left'])} left"
    return f"{doing['title']} {doing['done']}/{doing['total']}{left}"


def clock(seconds: float) -> str:
    """Return seconds as 1:02:03 or 2:03."""
    minutes, rest = divmod(round(max(0.0, seconds)), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


@hydra.main(version_base="1.3", config_path=CONF, config_name="config")
def main(config: DictConfig) -> None:
    """Print the table of the lab in paths.lab."""
    print(guarded(lambda: table(Ledger(Path(config.paths.lab)), time.time())))


if __name__ == "__main__":
    main()
