"""A paper's figure with one command: run the arms that are missing, draw, hold it against the paper.

figure=NAME or figure=all; figure.arms=default, all or '[one,another]'; figure.seeds=3; plan=true only lists.
"""

import os
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import hydra
from hydra.core.hydra_config import HydraConfig
from omegaconf import DictConfig, OmegaConf

from data_gen.errors import ConfigError
from experiments.launch import figure_output, help, hydra_internals
from experiments.launch import jobs as sweep_jobs
from experiments.launch.config import CONF, register
from experiments.launch.errors import guarded
from physics_lm import run as pipeline
from physics_lm.store.artifacts import Spec, Store

register()
EVERY = "all"  # the word for every figure
PRETRAINING = 0.85  # of an arm's time; the rest is fine-tuning and probing


def arms_of(figure: DictConfig, scale: str) -> dict[str, list[str]]:
    """Return the figure's chosen arms and their overrides; raises ConfigError for an unknown arm."""
    known = OmegaConf.to_container(figure.known)
    assert isinstance(known, dict)
    _check_scales(figure, known)
    if figure.arms == "default":
        names = list(figure.default.get(scale, known))
    elif figure.arms == "all":
        names = list(figure.all.get(scale, known))
    elif isinstance(figure.arms, str | Sequence):
        names = [figure.arms] if isinstance(figure.arms, str) else list(figure.arms)
    else:
        raise ConfigError(f"figure.arms={figure.arms}: choose default, all, or some of {', '.join(known)}")
    if unknown := [name for name in names if name not in known]:
        raise ConfigError(f"figure.arms: no arm {unknown[0]}; choose default, all, or some of {', '.join(known)}")
    if not names:
        raise ConfigError("figure.arms: name at least one arm")
    extra = figure.settings.get(scale) or {}
    return {name: [*known[name], *extra.get("every", []), *extra.get(name, [])] for name in names}


def _check_scales(figure: DictConfig, known: Mapping[str, object]) -> None:
    """Raise ConfigError where a figure's yaml speaks of a scale or an arm that there is not."""
    scales = sorted(path.stem for path in (Path(CONF) / "scale").glob("*.yaml"))
    for part in ("default", "all", "settings", "departures"):
        for scale, told in figure[part].items():
            where = f"conf/figure/{figure.name}.yaml: {part}.{scale}"
            if scale not in scales:
                raise ConfigError(f"{where}: no such scale; choose one of {', '.join(scales)}")
            unknown = [arm for arm in told if arm not in known and arm != "every"] if part != "departures" else []
            if unknown:
                raise ConfigError(f"{where}: no arm {unknown[0]} among the figure's known ones")


def jobs_of(config: DictConfig, given: list[str]) -> dict[tuple[str, int], list[str]]:
    """Return for each arm and seed the overrides of its run; what the user gave comes last.

    Raises ConfigError where the user gave what the arms differ in.
    """
    own = [item for item in given if not item.startswith(("figure", "plan=", "seed=", "+figure"))]
    arms = arms_of(config.figure, config.scale.name)
    fixed = {item.partition("=")[0] for name in arms for item in config.figure.known[name]}
    if clash := [item for item in own if item.partition("=")[0] in fixed]:
        raise ConfigError(
            f"{clash[0]}: the figure's arms differ in {clash[0].partition('=')[0]}; choose among them with "
            "figure.arms, or use experiments.run"
        )
    seeds = range(config.seed, config.seed + config.figure.seeds)
    scale = [item for item in own if item.startswith("scale=")] or [f"scale={config.scale.name}"]
    rest = [item for item in own if not item.startswith("scale=")]
    return {
        (arm, seed): [*scale, *overrides, *rest, f"seed={seed}"] for arm, overrides in arms.items() for seed in seeds
    }


@dataclass(frozen=True)
class Figure:
    """A figure that is asked for: its config, what the user gave, and the job of each arm and seed."""

    config: DictConfig
    given: list[str]
    jobs: dict[tuple[str, int], sweep_jobs.Job]

    @classmethod
    def of(cls, config: DictConfig, given: list[str]) -> "Figure":
        """Read a config; raises ConfigError naming what the figure cannot be made of."""
        if config.figure.seeds < 1:
            raise ConfigError(f"figure.seeds={config.figure.seeds}: must be 1 or more")
        if not config.plan:
            figure_output.module(config.figure.name)  # what cannot be drawn is said before anything is trained
        jobs = {job: sweep_jobs.Job.of(overrides) for job, overrides in jobs_of(config, given).items()}
        return cls(config, given, jobs)

    @property
    def store(self) -> Store:
        """Where it is made."""
        return Store(Path(self.config.paths.lab))

    def draw(self, seconds: float | None) -> None:
        """Draw what the rows show; see `outcome.draw`."""
        plans = {job: one.specs for job, one in self.jobs.items()}
        figure_output.draw(self.config, plans, self.store, seconds, self.given)


def reproduce(config: DictConfig, given: list[str]) -> int:
    """Run what is missing of the figure that is asked for, or of all, and draw; return how many arms failed.

    A figure, of all, that cannot be made of what was given counts as one and stops no other.
    """
    if config.figure.name != EVERY:
        return together([Figure.of(config, given)])
    figures, refused = [], 0
    rest = [item for item in given if not item.startswith("figure=")]
    for name in names():
        words = [*rest, f"figure={name}"]
        try:
            figures.append(Figure.of(hydra_internals.compose(words), words))
        except ConfigError as error:
            print(f"error: figure={name}: {error}", file=sys.stderr)
            refused += 1
    return refused + (together(figures) if figures else 0)


def names() -> list[str]:
    """Return the names of all figures."""
    return sorted(path.stem for path in (Path(CONF) / "figure").glob("*.yaml") if path.stem != EVERY)


def together(figures: Sequence[Figure]) -> int:
    """Run what is missing of the figures as one sweep and draw each; return the number of arms that failed."""
    start, config, store = time.perf_counter(), figures[0].config, figures[0].store
    if config.plan:
        print(describe(figures))
        return 0
    store.check_writable()
    jobs = distinct(figures)
    wanted = missing(jobs, store)
    why = dict(zip((one.key for one in jobs), sweep_jobs.launch(jobs), strict=True)) if wanted else {}
    total = 0
    for figure in figures:
        failed = {job: why[one.key] for job, one in figure.jobs.items() if why.get(one.key)}
        for (arm, seed), reason in failed.items():
            print(f"error: {arm} seed={seed}: {reason}", file=sys.stderr)
        if not failed:
            figure.draw(time.perf_counter() - start if wanted and len(figures) == 1 else None)
        total += len(failed)
    if wanted and len(figures) > 1 and not total:
        made = {"seconds": round(time.perf_counter() - start, 1), "ran": len(wanted), "jobs": len(jobs)}
        figure_output.note([figure.config.figure.name for figure in figures], made, jobs[0], figures[0].given)
    return total


def distinct(figures: Sequence[Figure]) -> list[sweep_jobs.Job]:
    """Return every job once, whichever figures share it."""
    return list({one.key: one for figure in figures for one in figure.jobs.values()}.values())


def missing(jobs: Sequence[sweep_jobs.Job], store: Store) -> list[sweep_jobs.Job]:
    """Return the jobs whose rows are not there yet."""
    return [one for one in jobs if not pipeline.complete(store, one.specs)]


def describe(figures: Sequence[Figure]) -> str:
    """Return the plan as text: every arm, what is there, and the estimated time and disk of the rest."""
    lines = [line for figure in figures for line in _arms(figure)]
    jobs = distinct(figures)
    wanted = missing(jobs, figures[0].store)
    config, workers = figures[0].config, max(1, min(len(wanted), os.cpu_count() or 1))
    minutes = core_seconds(wanted, figures[0].store, config) / (60 * workers)
    lines.append(
        f"{len(wanted)} of {len(jobs)} runs are missing: about {minutes:.1f} minutes on {workers} "
        f"core{'s' if workers > 1 else ''} and {len(wanted) * config.scale.arm_megabytes:.0f} MB; nothing was run"
    )
    return "\n".join(lines)


def _arms(figure: Figure) -> list[str]:
    lines, store = [f"figure={figure.config.figure.name} scale={figure.config.scale.name}"], figure.store
    for (arm, seed), one in figure.jobs.items():
        there = [step.step for step in one.specs.steps if store.has(step)]
        state = f"there: {', '.join(there)}" if there else "nothing there"
        lines.append(f"  {arm:32} seed {seed}   {'complete' if store.has(one.specs.probe) else state}")
    return lines


def core_seconds(wanted: list[sweep_jobs.Job], store: Store, config: DictConfig) -> float:
    """Return what the missing trainings take, by the steps of each beside the scale's own; a shared one counts once."""
    missing: dict[str, float] = {}
    for one in wanted:
        specs, run = one.specs, one.run
        trained: list[tuple[Spec | None, float]] = [
            (specs.pretrain, run.pretrain.steps / config.pretrain.steps * PRETRAINING),
            (specs.prior, run.prior.steps / config.finetune.steps * (1 - PRETRAINING)),
            (specs.finetune, run.finetune.steps / config.finetune.steps * (1 - PRETRAINING)),
        ]
        missing |= {spec.key: share for spec, share in trained if spec is not None and not store.has(spec)}
    return float(config.scale.arm_seconds * sum(missing.values()))


def main() -> None:
    """Reproduce `figure=NAME`, or all of them as one sweep with figure=all."""
    if not help.print_help(__doc__):
        _run()


@hydra.main(version_base="1.3", config_path=CONF, config_name="config")
def _run(config: DictConfig) -> None:
    overrides = HydraConfig.get().overrides
    given = [*overrides.task, *(item for item in overrides.hydra if not item.startswith("hydra.mode="))]
    if guarded(lambda: reproduce(config, given)):
        sys.exit(1)


if __name__ == "__main__":
    main()
