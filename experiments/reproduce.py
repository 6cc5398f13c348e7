"""A paper's figure with one command: run the arms that are missing, draw, hold it against the paper."""

import importlib
import json
import os
import sys
import time
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import hydra
from hydra.core.hydra_config import HydraConfig
from omegaconf import DictConfig, OmegaConf

from data_gen.config import ConfigError
from experiments import sweep, usage
from experiments.config import CONF, guarded, register
from physics_lm import pipeline, progress
from physics_lm.artifacts import Spec, Store
from physics_lm.pipeline import Plan, RunConfig

if TYPE_CHECKING:
    import pandas as pd

register()
PRETRAINING = 0.85  # of an arm's time; the rest is fine-tuning and probing


def arms_of(figure: DictConfig, scale: str) -> dict[str, list[str]]:
    """Return the figure's chosen arms and their overrides; raises ConfigError for an unknown arm."""
    known = OmegaConf.to_container(figure.known)
    assert isinstance(known, dict)
    if figure.arms == "default":
        names = list(figure.default.get(scale, known))
    elif figure.arms == "all":
        names = list(figure.all.get(scale, known))
    else:
        names = [figure.arms] if isinstance(figure.arms, str) else list(figure.arms)
    if unknown := [name for name in names if name not in known]:
        raise ConfigError(f"figure.arms: no arm {unknown[0]}; choose default, all, or some of {', '.join(known)}")
    if not names:
        raise ConfigError("figure.arms: name at least one arm")
    extra = figure.settings.get(scale) or {}
    return {name: [*known[name], *extra.get("every", []), *extra.get(name, [])] for name in names}


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


def reproduce(config: DictConfig, given: list[str]) -> int:
    """Run what is missing of one figure and draw it; return the number of arms that failed."""
    start = time.perf_counter()
    if config.figure.seeds < 1:
        raise ConfigError(f"figure.seeds={config.figure.seeds}: must be 1 or more")
    jobs = {job: sweep.Wanted.of(overrides) for job, overrides in jobs_of(config, given).items()}
    plans, store = {job: one.specs for job, one in jobs.items()}, Store(Path(config.paths.lab))
    if config.plan:
        print(describe(jobs, store, config))
        return 0
    store.check_writable()
    missing = not all(pipeline.complete(store, steps) for steps in plans.values())
    why = sweep.launch(list(jobs.values())) if missing else [""] * len(jobs)
    failed = [f"{arm} seed={seed}: {reason}" for (arm, seed), reason in zip(jobs, why, strict=True) if reason]
    for line in failed:
        print(f"error: {line}", file=sys.stderr)
    if not failed:
        draw(config, plans, store, time.perf_counter() - start if missing else None, given)
    return len(failed)


def describe(jobs: dict[tuple[str, int], sweep.Wanted], store: Store, config: DictConfig) -> str:
    """Return the plan as text: every arm, what is there, and the estimated time and disk of the rest."""
    lines, wanted = [f"figure={config.figure.name} scale={config.scale.name}"], 0
    for (arm, seed), one in jobs.items():
        there = [step.step for step in one.specs.steps if store.has(step)]
        done = store.has(one.specs.probe)
        wanted += not done
        state = "complete" if done else f"there: {', '.join(there)}" if there else "nothing there"
        lines.append(f"  {arm:32} seed {seed}   {state}")
    workers = max(1, min(wanted, os.cpu_count() or 1))
    minutes = core_seconds([one for one in jobs.values() if not store.has(one.specs.probe)], store, config)
    minutes /= 60 * workers
    lines.append(
        f"{wanted} of {len(jobs)} runs are missing: about {minutes:.1f} minutes on {workers} "
        f"core{'s' if workers > 1 else ''} and {wanted * config.scale.arm_megabytes:.0f} MB; nothing was run"
    )
    return "\n".join(lines)


def core_seconds(wanted: list[sweep.Wanted], store: Store, config: DictConfig) -> float:
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


def draw(
    config: DictConfig, plans: dict[tuple[str, int], Plan], store: Store, seconds: float | None, given: list[str]
) -> None:
    """Write figure.png, table.csv, claims.json and manifest.json of the figure, and print the claims.

    seconds: what the command took; None where it ran nothing, so that the time of the one that did is kept.
    """
    import matplotlib as mpl

    mpl.use("Agg")
    from physics_lm import results

    figure = importlib.import_module(f"experiments.figures.{config.figure.name}")
    names = list(dict.fromkeys(arm for arm, _ in plans))
    arms = {
        name: results.load(store.lab, [steps.probe.key for (arm, _), steps in plans.items() if arm == name])
        for name in progress.over(names, "rows", "arm")
    }
    cells = figure.table(arms)
    claims = figure.claims(arms, bool(config.scale.shows), config.scale.name)
    folder = store.lab / "figures" / config.scale.name / config.figure.name
    folder.mkdir(parents=True, exist_ok=True)
    image = figure.draw(arms, cells, caption(config, arms))
    image.savefig(folder / "figure.png", dpi=150)
    cells.to_csv(folder / "table.csv", index=False)
    (folder / "claims.json").write_text(json.dumps([asdict(claim) for claim in claims], indent=2) + "\n")
    made = manifest(config, plans, store, 0.0 if seconds is None else seconds, given)
    if seconds is None and (folder / "manifest.json").exists():
        before = json.loads((folder / "manifest.json").read_text())
        made["seconds"] = before["seconds"] if before["runs"] == made["runs"] else made["seconds"]
    (folder / "manifest.json").write_text(json.dumps(made, indent=2) + "\n")
    report(claims, config)
    print(f"\n{folder / 'figure.png'}")


def caption(config: DictConfig, arms: "Mapping[str, pd.DataFrame]") -> str:
    """Return the figure's small print: scale, people and models of its arms, seeds, and that departures are listed."""
    seeds = f"{config.figure.seeds} seed{'s' if config.figure.seeds > 1 else ''}"
    shows = "" if config.scale.shows else "  SMOKE: only shows that the code runs."
    people, layers, width = (_spread(arms, key) for key in ("world.people", "model.layers", "model.width"))
    return (
        f"scale={config.scale.name}: {people} people, {layers} layers of width {width}, {seeds} from {config.seed}. "
        f"Departures from the paper: fidelity table.{shows}"
    )


def _spread(arms: "Mapping[str, pd.DataFrame]", setting: str) -> str:
    """Return a setting of all arms in words: the one value, or the least and the largest."""
    found = {int(rows[setting].iloc[0]) for rows in arms.values()}
    return " to ".join(f"{value:,}" for value in sorted({min(found), max(found)}))


def fidelity(config: DictConfig) -> dict[str, str]:
    """Return what differs from the paper: the scale's departures, and the figure's own at this scale."""
    return {**config.scale.departures, **(config.figure.departures.get(config.scale.name) or {})}


def command(config: DictConfig, given: list[str]) -> str:
    """Return the command that makes the figure, wherever the lab is."""
    rest = [item for item in given if not item.startswith(("figure=", "scale=", "paths.", "plan="))]
    return " ".join(
        ["python -m experiments.reproduce", f"figure={config.figure.name}", f"scale={config.scale.name}", *rest]
    )


def settings(config: DictConfig) -> dict[str, Any]:
    """Return the settings that all arms start from."""
    plain = OmegaConf.to_container(config, resolve=True)
    assert isinstance(plain, dict)
    return {str(name): part for name, part in plain.items() if name in ("seed", *asdict(RunConfig()))}


def manifest(
    config: DictConfig, plans: dict[tuple[str, int], Plan], store: Store, seconds: float, given: list[str]
) -> dict[str, Any]:
    """Return what made the figure: the command, the runs, their steps' keys and times, and the machine."""
    runs = {
        f"{arm} seed={seed}": {
            step.step: {"key": step.key, "seconds": store.manifest(step)["seconds"]} for step in steps.steps
        }
        for (arm, seed), steps in plans.items()
    }
    probe = store.manifest(next(iter(plans.values())).probe)
    machine = {name: probe[name] for name in ("device", "threads", "cores", "versions")}
    return {"figure": config.figure.name, "scale": config.scale.name, "command": command(config, given),
            "seconds": round(seconds, 1), **machine, "fidelity": fidelity(config), "config": settings(config),
            "runs": runs}  # fmt: skip


def report(claims: list[Any], config: DictConfig) -> None:
    """Print the claims and the fidelity table."""
    word = {True: "holds", False: "DOES NOT HOLD", None: "not carried"}
    for claim in claims:
        ours = claim.reason if claim.ours is None else f"{claim.ours:.1f} [{claim.low:.1f}, {claim.high:.1f}]"
        verdict = f"{claim.id:9} {word[claim.holds]:14} paper {claim.paper:16}"
        print(f"{verdict} {claim.statement}: {ours} (accept {claim.accept})")
    print("\nDepartures from the paper at this scale:")
    for name, text in fidelity(config).items():
        print(f"  {name}: {text}")


def main() -> None:
    """Reproduce `figure=NAME`, or all of them one after the other with figure=all."""
    if usage.answered(__doc__):
        return
    figures = sorted(path.stem for path in (Path(CONF) / "figure").glob("*.yaml"))
    if "figure=all" not in sys.argv:
        _one()
        return
    place, total = sys.argv.index("figure=all"), 0
    for name in figures:
        sys.argv[place] = f"figure={name}"
        try:
            _one()
        except SystemExit as stop:
            total += bool(stop.code)
    sys.exit(1 if total else 0)


@hydra.main(version_base="1.3", config_path=CONF, config_name="config")
def _one(config: DictConfig) -> None:
    overrides = HydraConfig.get().overrides
    given = [*overrides.task, *(item for item in overrides.hydra if not item.startswith("hydra.mode="))]
    if failed := guarded(lambda: reproduce(config, given)):
        sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
