"""An optional mirror of the store in Weights & Biases; the store is the record.

One wandb run per step, its id the artifact's key, `group` the sweep, `job_type` the step. A tracker that
fails says so once and is silent from then on: it never fails a run.
"""

import json
import logging
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from data_gen.errors import ConfigError
from physics_lm.config.tracking import TrackingConfig
from physics_lm.store.artifacts import MANIFEST, Spec

log = logging.getLogger(__name__)
STEPS = ("pretrain", "finetune", "probe")
NUMBERS = ("seconds", "device", "precision", "parameters", "tokens", "rows")  # of a manifest
TIMEOUT = 5  # seconds to find out whether the server answers
Point = Mapping[str, float]
Build = Callable[[Path, Path], Mapping[str, Any]]


def check(config: TrackingConfig) -> None:
    """Raise ConfigError for a tracker or mode that there is not."""
    if config.kind not in ("none", "wandb"):
        raise ConfigError(f"tracking.kind={config.kind}: choose none or wandb")
    if config.mode not in ("auto", "online", "offline"):
        raise ConfigError(f"tracking.mode={config.mode}: choose auto, online or offline")


class Tracker:
    """Mirrors steps: `open` one, `log` points of its curve, `close` it. This one does nothing."""

    def open(self, step: str, key: str, settings: Mapping[str, Any]) -> None:
        """Begin or resume the mirror of a step."""

    def log(self, points: Sequence[Point]) -> None:
        """Add points of the step's curve: mappings that hold `step`."""

    def close(self, summary: Mapping[str, Any], failed: bool = False) -> None:
        """End the mirror of a step."""


class Wandb(Tracker):
    """Weights & Biases, imported when the first step is opened."""

    def __init__(self, config: TrackingConfig, group: str, folder: Path) -> None:
        """group: the sweep. folder: where wandb writes what it sends, or keeps where it cannot."""
        self.config, self.group, self.folder = config, group, folder
        self.run: Any = None
        self.broken = False

    def open(self, step: str, key: str, settings: Mapping[str, Any]) -> None:
        """Begin a wandb run, or go on with the one of that id."""
        self._safely(lambda: self._open(step, key, settings))

    def _open(self, step: str, key: str, settings: Mapping[str, Any]) -> None:
        import wandb

        self.folder.mkdir(parents=True, exist_ok=True)
        mode: Any = _mode(wandb, self.config.mode)
        self.run = wandb.init(
            project=self.config.project, dir=str(self.folder), mode=mode, id=f"{step}-{key[:16]}", resume="allow",
            group=self.group or None, job_type=step, config=dict(settings), reinit="finish_previous",
            settings=wandb.Settings(init_timeout=30, silent=True, console="off"),
        )  # fmt: skip

    def log(self, points: Sequence[Point]) -> None:
        """Add points; what a resumed run has already seen, wandb leaves out."""

        def work() -> None:
            for point in points:
                values = {name: value for name, value in point.items() if name != "step"}
                self.run.log(values, step=int(point["step"]))

        if self.run is not None:
            self._safely(work)

    def close(self, summary: Mapping[str, Any], failed: bool = False) -> None:
        """End the wandb run, as failed where the step failed."""

        def work() -> None:
            self.run.summary.update(dict(summary))
            self.run.finish(exit_code=int(failed))

        if self.run is not None:
            self._safely(work)
            self.run = None

    def _safely(self, work: Callable[[], None]) -> None:
        if self.broken:
            return
        try:
            work()
        except Exception as error:  # a mirror may break in any way; what it mirrors goes on
            self.broken, self.run = True, None
            line = f"{error.__class__.__name__}: {error}".splitlines()[0]
            log.warning("tracking stopped (%s); the run goes on, and experiments.track can mirror it later", line)


def _mode(wandb: Any, wanted: str) -> str:
    """Return online or offline: as asked, or offline without account or network."""
    if wanted != "auto":
        return wanted
    if os.environ.get("WANDB_MODE") in ("offline", "disabled", "online"):
        return os.environ["WANDB_MODE"]
    if not wandb.api.api_key:
        log.warning("tracking is offline: no account (wandb login); experiments.track or wandb sync sends it later")
        return "offline"
    import requests

    try:
        requests.head(wandb.api.settings("base_url"), timeout=TIMEOUT)
    except requests.RequestException:
        log.warning("tracking is offline: the server does not answer; experiments.track or wandb sync sends it later")
        return "offline"
    return "online"


def tracker(config: TrackingConfig, group: str, lab: Path) -> Tracker:
    """Return the tracker of a config; raises ConfigError as `check` does."""
    check(config)
    return Wandb(config, group, lab / "wandb") if config.kind == "wandb" else Tracker()


def shown(spec: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a step's mirror shows as its config, from its spec or its manifest as plain data."""
    return {**spec["config"], "inputs": dict(spec["inputs"]), "version": spec["version"]}


def mirrored(to: Tracker, wanted: Spec, build: Build) -> Build:
    """Return the builder of a step, with a tracker open while it builds."""
    if wanted.step not in STEPS:
        return build

    def work(folder: Path, state: Path) -> Mapping[str, Any]:
        to.open(wanted.step, wanted.key, shown(asdict(wanted)))
        try:
            extra = build(folder, state)
        except BaseException:
            to.close({}, failed=True)
            raise
        to.close(summary(extra, folder))
        return extra

    return work


def replay(to: Tracker, folder: Path) -> None:
    """Mirror a finished artifact of the store: its settings, its curve, its summary."""
    manifest = json.loads((folder / MANIFEST).read_text())
    to.open(manifest["step"], manifest["key"], shown(manifest))
    if (curve := folder / "curve.parquet").exists():
        import pandas as pd

        to.log(
            [{str(name): value for name, value in point.items()} for point in pd.read_parquet(curve).to_dict("records")]
        )
    to.close(summary(manifest, folder))


def summary(manifest: Mapping[str, Any], folder: Path) -> dict[str, Any]:
    """Return what a step's mirror shows as its result: the manifest's numbers, and a probe's accuracies."""
    kept = {name: manifest[name] for name in NUMBERS if name in manifest}
    if (path := folder / "rows.parquet").exists():
        import pandas as pd

        rows = pd.read_parquet(path, columns=["task", "split", "correct"])
        for (task, split), part in rows.groupby(["task", "split"]):
            kept[f"{task}/{split}"] = 100 * float(part["correct"].mean())
    return kept
