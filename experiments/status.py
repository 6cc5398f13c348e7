"""The state of a lab's jobs, during a sweep or after it: `python -m experiments.status`."""

import time
from dataclasses import replace
from pathlib import Path

from omegaconf import DictConfig

from experiments.launch.hydra_internals import command
from experiments.launch.ledger import Entry, Ledger


def table(ledger: Ledger, now: float) -> str:
    """Return a line for every job, grouped by sweep, and a summary. now: seconds since 1970."""
    entries = [_current(ledger, entry) for entry in ledger.entries()]
    if not entries:
        return f"no jobs in {ledger.folder}: start one with experiments.run -m or experiments.reproduce"
    lines = []
    for sweep in dict.fromkeys(entry.sweep for entry in entries):
        lines.append(f"sweep {sweep}")
        jobs = [entry for entry in entries if entry.sweep == sweep]
        lines += [f"  {entry.state:11} {_details(entry, now):38} {entry.name}" for entry in jobs]
    return "\n".join([*lines, summary(entries, now)])


def summary(entries: list[Entry], now: float) -> str:
    """Return the number of jobs in each state, and an estimate of the time left at the pace of the finished jobs."""
    states = [entry.state for entry in entries]
    counts = ", ".join(f"{states.count(state)} {state}" for state in dict.fromkeys(states))
    running = [entry for entry in entries if entry.state == "running"]
    if not running:
        return counts
    left = sum(max(0.0, _expected_seconds(entry, entries) - (now - entry.started)) for entry in running)
    left += sum(_expected_seconds(entry, entries) for entry in entries if entry.state == "planned")
    return f"{counts}; about {format_time(left / len(running))} left"


def _expected_seconds(entry: Entry, entries: list[Entry]) -> float:
    """Return the mean seconds of the finished jobs of the same sweep, or where there are none what the scale says."""
    done = [job for job in entries if job.sweep == entry.sweep and job.state == "done" and job.started]
    return sum(job.ended - job.started for job in done) / len(done) if done else entry.expected


def _current(ledger: Ledger, entry: Entry) -> Entry:
    """Return an entry with its true state: a job whose rows are in the store is done, whichever process made them."""
    if ledger.alive(entry):
        return entry
    if ledger.rows_exist(entry.key):
        return entry if entry.state == "done" else replace(entry, state="done", started=0.0)
    return replace(entry, state={"running": "interrupted", "done": "removed"}.get(entry.state, entry.state))


def _details(entry: Entry, now: float) -> str:
    """Return what went wrong, how long a finished job took, or how far a running one is."""
    if entry.state in ("failed", "planned"):
        return entry.error
    if entry.state == "done":
        return f"{format_time(entry.ended - entry.started)}, {entry.peak_mb:,.0f} MB" if entry.started else "was there"
    if not (bar := entry.doing):
        return f"for {format_time(now - entry.started)}"
    left = "" if bar["left"] is None else f", {format_time(bar['left'])} left"
    return f"{bar['title']} {bar['done']}/{bar['total']}{left}"


def format_time(seconds: float) -> str:
    """Return seconds as 1:02:03 or 2:03."""
    minutes, seconds = divmod(round(max(0.0, seconds)), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{seconds:02}" if hours else f"{minutes}:{seconds:02}"


@command
def main(config: DictConfig) -> None:
    """Print the table of the lab in paths.lab."""
    print(table(Ledger(Path(config.paths.lab)), time.time()))


if __name__ == "__main__":
    main()
