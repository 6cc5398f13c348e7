"""A paper's figure with one command: run the arms that are missing, draw, hold it against the paper.

figure=NAME or figure=all; figure.arms=default, all or '[one,another]'; figure.seeds=3; plan=true only lists.
"""

import os
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from hydra.core.hydra_config import HydraConfig
from omegaconf import DictConfig

from data_gen.errors import ConfigError
from experiments.launch import figure_output, sweep
from experiments.launch.arms import ALL_FIGURES, arm_overrides, check_used, figure_names
from experiments.launch.config import is_of_kind, run_config
from experiments.launch.help import print_help
from experiments.launch.hydra_internals import command_of_arms, compose
from experiments.launch.jobs import Job
from physics_lm.stages import TRAININGS
from physics_lm.store.artifacts import Store


@dataclass(frozen=True)
class Figure:
    """A figure to reproduce: its config, the command line's overrides, and the job of each arm and seed."""

    config: DictConfig
    overrides: list[str]
    jobs: dict[tuple[str, int], Job]

    @classmethod
    def of(cls, config: DictConfig, overrides: list[str]) -> "Figure":
        """Read a config; raises ConfigError naming why the figure cannot be made."""
        if config.figure.seeds < 1:
            raise ConfigError(f"figure.seeds={config.figure.seeds}: must be 1 or more")
        if not config.plan:
            figure_output.load_figure(config.figure.name)  # refuses a figure that cannot be drawn before any training
        jobs = {arm: Job.of(words) for arm, words in arm_overrides(config, overrides).items()}
        return cls(config, overrides, jobs)

    @property
    def store(self) -> Store:
        """The store that its arms are in."""
        return Store(Path(self.config.paths.lab))

    def draw(self, seconds: float | None) -> None:
        """Draw the figure from the rows of its arms; see `figure_output.write_figure`."""
        chains = {arm: job.chain for arm, job in self.jobs.items()}
        figure_output.write_figure(self.config, chains, self.store, seconds, self.overrides)


def reproduce(config: DictConfig, overrides: list[str]) -> int:
    """Run what is missing of a figure, or of all, and draw; return how many arms failed.

    Of all figures, one that is refused counts as one failure and stops no other.
    """
    if config.figure.name != ALL_FIGURES:
        figure = Figure.of(config, overrides)
        check_used(overrides, [job.overrides for job in figure.jobs.values()])
        return reproduce_all([figure])
    figures, refused = [], 0
    rest = [item for item in overrides if not item.startswith("figure=")]
    for name in figure_names():
        words = [*rest, f"figure={name}"]
        try:
            figures.append(Figure.of(compose([word for word in words if not is_of_kind(word)]), words))
        except ConfigError as error:
            print(f"error: figure={name}: {error}", file=sys.stderr)
            refused += 1
    if not figures:
        return refused
    check_used(rest, [job.overrides for figure in figures for job in figure.jobs.values()])
    return refused + reproduce_all(figures)


def reproduce_all(figures: Sequence[Figure]) -> int:
    """Run what is missing of the figures as one sweep and draw each; return the number of arms that failed."""
    start, config, store = time.perf_counter(), figures[0].config, figures[0].store
    if config.plan:
        print(describe(figures))
        return 0
    store.check_writable()
    jobs = distinct(figures)
    missing = [job for job in jobs if not job.complete]
    failures = dict(zip((job.key for job in jobs), sweep.launch(jobs), strict=True)) if missing else {}
    total = 0
    for figure in figures:
        failed = {arm: failures[job.key] for arm, job in figure.jobs.items() if failures.get(job.key)}
        for (arm, seed), reason in failed.items():
            print(f"error: {arm} seed={seed}: {reason}", file=sys.stderr)
        if not failed:
            figure.draw(time.perf_counter() - start if missing and len(figures) == 1 else None)
        total += len(failed)
    if missing and len(figures) > 1 and not total:
        times = {"seconds": round(time.perf_counter() - start, 1), "ran": len(missing), "jobs": len(jobs)}
        names = [figure.config.figure.name for figure in figures]
        figure_output.write_all_json(names, times, jobs[0], figures[0].overrides)
    return total


def distinct(figures: Sequence[Figure]) -> list[Job]:
    """Return every job once, whichever figures share it."""
    return list({job.key: job for figure in figures for job in figure.jobs.values()}.values())


def describe(figures: Sequence[Figure]) -> str:
    """Return the plan as text: every arm, what is there, and the estimated time and disk of the rest."""
    lines = [line for figure in figures for line in _arms(figure)]
    jobs = distinct(figures)
    missing = [job for job in jobs if not job.complete]
    config, workers = figures[0].config, max(1, min(len(missing), os.cpu_count() or 1))
    minutes = core_seconds(missing, config) / (60 * workers)
    lines.append(
        f"{len(missing)} of {len(jobs)} runs are missing: about {minutes:.1f} minutes on {workers} "
        f"core{'s' if workers > 1 else ''} and {len(missing) * config.scale.arm_megabytes:.0f} MB; nothing was run"
    )
    return "\n".join(lines)


def _arms(figure: Figure) -> list[str]:
    lines, store = [f"figure={figure.config.figure.name} scale={figure.config.scale.name}"], figure.store
    for (arm, seed), job in figure.jobs.items():
        there = [spec.step for spec in job.chain.steps if store.has(spec)]
        state = f"there: {', '.join(there)}" if there else "nothing there"
        lines.append(f"  {arm:32} seed {seed}   {'complete' if store.has(job.chain.rows) else state}")
    return lines


def core_seconds(jobs: list[Job], config: DictConfig) -> float:
    """Return what the jobs' missing trainings take, beside those of the scale's usual run; a shared one counts once."""
    usual = run_config(compose([f"scale={config.scale.name}"]))
    missing = {
        spec.key: stage.cost(job.run, usual)
        for job in jobs
        for stage in TRAININGS
        if (spec := job.chain.get(stage.NAME)) and not job.store.has(spec)
    }
    return float(config.scale.arm_seconds * sum(missing.values()))


def main() -> None:
    """Reproduce `figure=NAME`, or all of them as one sweep with figure=all."""
    if not print_help(__doc__):
        _run()


@command_of_arms
def _run(config: DictConfig, of_kinds: list[str]) -> None:
    overrides = HydraConfig.get().overrides
    words = [*overrides.task, *(item for item in overrides.hydra if not item.startswith("hydra.mode=")), *of_kinds]
    if reproduce(config, words):
        sys.exit(1)


if __name__ == "__main__":
    main()
