"""The files of a drawn figure: its image, its table, its claims, and the manifest of what it was made from."""

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
from physics_lm.store.artifacts import Spec, Store
from physics_lm.store.chain import Chain

if TYPE_CHECKING:
    import pandas as pd

    from experiments.launch.jobs import Job

ALL_JSON = "all.json"  # what made all figures of a scale in one command, in the folder above theirs


def load_figure(name: str) -> Any:
    """Return the module of a figure; raises ConfigError where there is none or a function of it is missing."""
    try:
        module = importlib.import_module(f"experiments.figures.{name}")
    except ModuleNotFoundError as error:
        raise ConfigError(f"figure={name}: {error}; a figure is a module of experiments/figures of its name") from None
    if missing := [function for function in ("table", "draw", "claims") if not hasattr(module, function)]:
        raise ConfigError(f"figure={name}: experiments/figures/{name}.py has no {missing[0]}")
    return module


def write_figure(
    config: DictConfig, chains: dict[tuple[str, int], Chain], store: Store, seconds: float | None, overrides: list[str]
) -> None:
    """Write figure.png, table.csv, claims.json and manifest.json of the figure, and print the claims.

    chains: the specs of each arm and seed. seconds: what the command took, or None where it ran no job; the manifest
    then keeps the time of the command that ran the jobs.
    """
    import matplotlib as mpl

    mpl.use("Agg")
    from matplotlib import pyplot

    from physics_lm import results

    module = load_figure(config.figure.name)
    names = list(dict.fromkeys(arm for arm, _ in chains))
    arms = {
        name: results.load(store.lab, [chain.rows.key for (arm, _), chain in chains.items() if arm == name])
        for name in progress.track(names, "rows", "arm")
    }
    cells = module.table(arms)
    claims = module.claims(arms, bool(config.scale.shows), config.scale.name)
    folder = store.lab / "figures" / config.scale.name / config.figure.name
    folder.mkdir(parents=True, exist_ok=True)
    figure = module.draw(arms, cells, caption(config, arms))
    figure.savefig(folder / "figure.png", dpi=150)
    pyplot.close(figure)
    cells.to_csv(folder / "table.csv", index=False)
    (folder / "claims.json").write_text(json.dumps([asdict(claim) for claim in claims], indent=2) + "\n")
    manifest, path = figure_manifest(config, chains, store, seconds or 0.0, overrides), folder / "manifest.json"
    if seconds is None and path.exists() and (previous := json.loads(path.read_text()))["runs"] == manifest["runs"]:
        manifest["seconds"] = previous["seconds"]
    path.write_text(json.dumps(manifest, indent=2) + "\n")
    print_claims(claims, config)
    print(f"\n{folder / 'figure.png'}")


def caption(config: DictConfig, arms: "Mapping[str, pd.DataFrame]") -> str:
    """Return the small print of a figure: its scale, the sizes of its worlds and models, and its seeds."""
    seeds = f"{config.figure.seeds} seed{'s' if config.figure.seeds > 1 else ''}"
    smoke = "" if config.scale.shows else "  SMOKE: only shows that the code runs."
    people, layers, width = (_range_text(arms, key) for key in ("world.people", "model.layers", "model.width"))
    return (
        f"scale={config.scale.name}: {people} people, {layers} layers of width {width}, {seeds} from {config.seed}. "
        f"Departures from the paper: fidelity table.{smoke}"
    )


def _range_text(arms: "Mapping[str, pd.DataFrame]", setting: str) -> str:
    """Return the least and the largest value of a setting over all arms, or the value that they share."""
    values = {int(rows[setting].iloc[0]) for rows in arms.values()}
    return " to ".join(f"{value:,}" for value in sorted({min(values), max(values)}))


def departures(config: DictConfig) -> dict[str, str]:
    """Return what differs from the paper: the scale's departures, and the figure's own at this scale."""
    return {**config.scale.departures, **(config.figure.departures.get(config.scale.name) or {})}


def reproduce_command(figure: str, scale: str, overrides: Sequence[str]) -> str:
    """Return the command that makes a figure, or all of them, in any lab."""
    rest = [item for item in overrides if not item.startswith(("figure=", "scale=", "paths.", "plan="))]
    return shlex.join(["python", "-m", "experiments.reproduce", f"figure={figure}", f"scale={scale}", *rest])


def base_settings(config: DictConfig) -> dict[str, Any]:
    """Return the settings that all arms start from."""
    settings = OmegaConf.to_container(config, resolve=True)
    assert isinstance(settings, dict)
    return {str(name): value for name, value in settings.items() if name in ("seed", *asdict(RunConfig()))}


def figure_manifest(
    config: DictConfig, chains: dict[tuple[str, int], Chain], store: Store, seconds: float, overrides: list[str]
) -> dict[str, Any]:
    """Return what made the figure: the command, the keys and times of each run's steps, and the machine."""
    runs = {
        f"{arm} seed={seed}": {
            spec.step: {"key": spec.key, "seconds": store.manifest(spec)["seconds"]}
            for spec in chain.steps
            if store.has(spec)  # rows may be kept while the artifacts that they were made from were removed
        }
        for (arm, seed), chain in chains.items()
    }
    machine = _machine_info(store, next(iter(chains.values())).rows)
    figure, scale = config.figure.name, config.scale.name
    command = reproduce_command(figure, scale, overrides)
    return {"figure": figure, "scale": scale, "command": command, "seconds": round(seconds, 1), **machine,
            "fidelity": departures(config), "config": base_settings(config), "runs": runs}  # fmt: skip


def _machine_info(store: Store, spec: Spec) -> dict[str, Any]:
    """Return what made an artifact: its device, threads, cores and library versions."""
    manifest = store.manifest(spec)
    return {name: manifest[name] for name in ("device", "threads", "cores", "versions")}


def write_all_json(figures: Sequence[str], times: Mapping[str, Any], job: "Job", overrides: Sequence[str]) -> None:
    """Write all.json for the figures that one command made.

    times: the command's seconds, how many jobs it ran, and how many jobs the figures have. job: any one of them.
    """
    scale, machine = job.config.scale.name, _machine_info(job.store, job.chain.rows)
    manifest = {"command": reproduce_command("all", scale, overrides), **times, **machine, "figures": list(figures)}
    (job.store.lab / "figures" / scale / ALL_JSON).write_text(json.dumps(manifest, indent=2) + "\n")


def print_claims(claims: list[Any], config: DictConfig) -> None:
    """Print the claims and the departures from the paper."""
    verdicts = {True: "holds", False: "DOES NOT HOLD", None: "not carried"}
    for claim in claims:
        ours = claim.reason if claim.ours is None else f"{claim.ours:.1f} [{claim.low:.1f}, {claim.high:.1f}]"
        head = f"{claim.id:9} {verdicts[claim.holds]:14} paper {claim.paper:16}"
        print(f"{head} {claim.statement}: {ours} (accept {claim.accept})")
    print("\nDepartures from the paper at this scale:")
    for name, text in departures(config).items():
        print(f"  {name}: {text}")
