"""An optional mirror of the store in Weights & Biases; the store stays the record.

There is one wandb run per stage that trains a model or gives rows: its id is from the artifact's key, `group` is the
sweep, `job_type` the stage. A tracker that fails logs one warning and then does nothing more: it never fails a run.
"""

import json
import logging
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from functools import wraps
from pathlib import Path
from typing import Any

from data_gen.errors import ConfigError
from physics_lm.config.tracking import TrackingConfig
from physics_lm.store.artifacts import MANIFEST, Build, Spec

log = logging.getLogger(__name__)
SUMMARY_KEYS = ("seconds", "device", "precision", "parameters", "tokens", "rows")  # of a manifest
TIMEOUT = 5  # seconds that the server has to answer
Point = Mapping[str, float]


def check(config: TrackingConfig) -> None:
    """Raise ConfigError for an unknown tracker or mode."""
    if config.kind not in ("none", "wandb"):
        raise ConfigError(f"tracking.kind={config.kind}: choose none or wandb")
    if config.mode not in ("auto", "online", "offline"):
        raise ConfigError(f"tracking.mode={config.mode}: choose auto, online or offline")


class Tracker:
    """Mirrors stages: `open` one, `log` points of its curve, `close` it. This one does nothing."""

    def open(self, step: str, key: str, settings: Mapping[str, Any]) -> None:
        """Begin or resume the mirror of a stage."""

    def log(self, points: Sequence[Point]) -> None:
        """Add points of the stage's curve: mappings that hold `step`."""

    def close(self, summary: Mapping[str, Any], failed: bool = False) -> None:
        """End the mirror of a stage."""


def _until_broken(method: Callable[..., None]) -> Callable[..., None]:
    """Make a method log its exception in the place of raising it, and do nothing once any method has failed."""

    @wraps(method)
    def call(tracker: "Wandb", *args: Any, **kwargs: Any) -> None:
        if tracker.broken:
            return
        try:
            method(tracker, *args, **kwargs)
        except Exception as error:  # wandb may fail in any way
            tracker.broken, tracker.run = True, None
            line = f"{error.__class__.__name__}: {error}".splitlines()[0]
            log.warning("tracking stopped (%s); the run goes on, and experiments.track can mirror it later", line)

    return call


class Wandb(Tracker):
    """Weights & Biases, imported when the first stage is opened."""

    def __init__(self, config: TrackingConfig, group: str, folder: Path) -> None:
        """group: the sweep. folder: where wandb keeps its files."""
        self.config, self.group, self.folder = config, group, folder
        self.run: Any = None
        self.broken = False

    @_until_broken
    def open(self, step: str, key: str, settings: Mapping[str, Any]) -> None:
        """Begin a wandb run, or resume the one of that id."""
        import wandb

        self.folder.mkdir(parents=True, exist_ok=True)
        mode: Any = _mode(wandb, self.config.mode)
        self.run = wandb.init(
            project=self.config.project, dir=str(self.folder), mode=mode, id=f"{step}-{key[:16]}", resume="allow",
            group=self.group or None, job_type=step, config=dict(settings), reinit="finish_previous",
            settings=wandb.Settings(init_timeout=30, silent=True, console="off"),
        )  # fmt: skip

    @_until_broken
    def log(self, points: Sequence[Point]) -> None:
        """Add points; wandb ignores steps that a resumed run already has."""
        for point in points if self.run is not None else ():
            values = {name: value for name, value in point.items() if name != "step"}
            self.run.log(values, step=int(point["step"]))

    @_until_broken
    def close(self, summary: Mapping[str, Any], failed: bool = False) -> None:
        """End the wandb run, as failed where the stage failed."""
        run, self.run = self.run, None
        if run is not None:
            run.summary.update(dict(summary))
            run.finish(exit_code=int(failed))


def _mode(wandb: Any, mode: str) -> str:
    """Return the mode to use; `auto` is WANDB_MODE where it is set, else online where account and server are there."""
    if mode != "auto":
        return mode
    if os.environ.get("WANDB_MODE") in ("offline", "disabled", "online"):
        return os.environ["WANDB_MODE"]
    reason = "no account (wandb login)"
    if wandb.api.api_key:
        import requests

        try:
            requests.head(wandb.api.settings("base_url"), timeout=TIMEOUT)
            return "online"
        except requests.RequestException:
            reason = "the server does not answer"
    log.warning("tracking is offline: %s; experiments.track or wandb sync sends it later", reason)
    return "offline"


def make_tracker(config: TrackingConfig, group: str, lab: Path) -> Tracker:
    """Return the tracker of a config; raises ConfigError as `check` does."""
    check(config)
    return Wandb(config, group, lab / "wandb") if config.kind == "wandb" else Tracker()


def mirrored_config(spec: Mapping[str, Any]) -> dict[str, Any]:
    """Return the config that a stage's mirror shows, from its spec or its manifest as plain data."""
    return {**spec["config"], "inputs": dict(spec["inputs"]), "version": spec["version"]}


def with_tracking(tracker: Tracker, spec: Spec, build: Build) -> Build:
    """Return a stage's build function with the stage's mirror open while it builds."""

    def tracked_build(folder: Path, state: Path) -> Mapping[str, Any]:
        tracker.open(spec.step, spec.key, mirrored_config(asdict(spec)))
        try:
            extra = build(folder, state)
        except BaseException:
            tracker.close({}, failed=True)
            raise
        tracker.close(summary(extra, folder))
        return extra

    return tracked_build


def log_artifact(tracker: Tracker, folder: Path) -> None:
    """Mirror a finished artifact of the store: its settings, its curve, its summary."""
    manifest = json.loads((folder / MANIFEST).read_text())
    tracker.open(manifest["step"], manifest["key"], mirrored_config(manifest))
    if (curve := folder / "curve.parquet").exists():
        import pandas as pd

        points: Any = pd.read_parquet(curve).to_dict("records")
        tracker.log(points)
    tracker.close(summary(manifest, folder))


def summary(manifest: Mapping[str, Any], folder: Path) -> dict[str, Any]:
    """Return the results that a stage's mirror shows: numbers of the manifest, and a probe's accuracies in percent."""
    values = {name: manifest[name] for name in SUMMARY_KEYS if name in manifest}
    if (path := folder / "rows.parquet").exists():
        import pandas as pd

        rows = pd.read_parquet(path, columns=["task", "split", "correct"])
        for (task, split), group in rows.groupby(["task", "split"]):
            values[f"{task}/{split}"] = 100 * float(group["correct"].mean())
    return values
