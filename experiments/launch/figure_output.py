"""What a figure's folder holds: the image, its table, its claims, and the manifest of what made it."""

import importlib
import json
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from omegaconf import DictConfig, OmegaConf

from data_gen.errors import ConfigError
from physics_lm import progress
from physics_lm.config.run import RunConfig
from physics_lm.plan import Plan
from physics_lm.store.artifacts import Spec, Store

if TYPE_CHECKING:
    import pandas as pd

    from experiments.launch.jobs import Job

ALL = "all.json"  # beside the figures' folders: what made them in one command


def module(name: str) -> Any:
    """Return the module of a figure; raises ConfigError where it cannot be drawn from."""
    try:
        found = importlib.import_module(f"experiments.figures.{name}")
    except ModuleNotFoundError as error:
        raise ConfigError(f"figure={name}: {error}; a figure is a module of experiments/figures of its name") from None
    if lacking := [part for part in ("table", "draw", "claims") if not hasattr(found, part)]:
        raise ConfigError(f"figure={name}: experiments/figures/{name}.py has no {lacking[0]}")
    return found


def draw(
    config: DictConfig, plans: dict[tuple[str, int], Plan], store: Store, seconds: float | None, given: list[str]
) -> None:
    """Write figure.png, table.csv, claims.json and manifest.json of the figure, and print the claims.

    seconds: what the command took; None where it ran nothing, so that the time of the one that did is kept.
    """
    import matplotlib as mpl

    mpl.use("Agg")
    from matplotlib import pyplot

    from physics_lm import results

    figure = module(config.figure.name)
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
    pyplot.close(image)
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


def command(figure: str, scale: str, given: Sequence[str]) -> str:
    """Return the command that makes a figure, or all, wherever the lab is."""
    rest = [item for item in given if not item.startswith(("figure=", "scale=", "paths.", "plan="))]
    return shlex.join(["python", "-m", "experiments.reproduce", f"figure={figure}", f"scale={scale}", *rest])


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
            step.step: {"key": step.key, "seconds": store.manifest(step)["seconds"]}
            for step in steps.steps
            if store.has(step)  # what rows were made from may be removed, and the rows kept
        }
        for (arm, seed), steps in plans.items()
    }
    machine = _machine(store, next(iter(plans.values())).probe)
    figure, scale = config.figure.name, config.scale.name
    return {"figure": figure, "scale": scale, "command": command(figure, scale, given), "seconds": round(seconds, 1),
            **machine, "fidelity": fidelity(config), "config": settings(config), "runs": runs}  # fmt: skip


def _machine(store: Store, spec: Spec) -> dict[str, Any]:
    """Return on what a step was made."""
    made = store.manifest(spec)
    return {name: made[name] for name in ("device", "threads", "cores", "versions")}


def note(figures: Sequence[str], made: Mapping[str, Any], job: "Job", given: Sequence[str]) -> None:
    """Write all.json beside the folders of figures that one command made.

    made: its seconds, how many jobs it ran, and how many the figures have. job: one of them.
    """
    scale = job.config.scale.name
    whole = {"command": command("all", scale, given), **made, **_machine(job.store, job.specs.probe)}
    text = json.dumps({**whole, "figures": list(figures)}, indent=2)
    (job.store.lab / "figures" / scale / ALL).write_text(text + "\n")


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
