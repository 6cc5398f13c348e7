"""The probe: a row per item asked of the trained model, with the run's key and settings as columns."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from data_gen import questions
from physics_lm import models, probes
from physics_lm.config.columns import settings_columns
from physics_lm.config.run import RunConfig
from physics_lm.store import artifacts
from physics_lm.store.chain import Chain
from physics_lm.subject import Subject
from physics_lm.tracking import Tracker

NAME, OUTPUT, TRAINS = "probe", "rows", False
VERSION = 1  # of what every probe's rows share; a probe has its own


ITEM = ("probe", "task", "person", "attribute", "split", "prompt", "gold", "prediction", "correct")


def spec(config: RunConfig, chain: Chain) -> artifacts.Spec:
    """Return the spec of the rows; its version grows with the stage's and with the probe's."""
    probe, asked = probes.load(config.probe), config.questions
    facts = chain.get("facts")
    inputs = {"facts": facts} if facts else {}
    settings = {"probe": config.probe, "questions": artifacts.of_kind(questions.load(asked), asked)}
    return artifacts.spec("probe", probe.VERSION + VERSION - 1, settings, model=chain.model, **inputs)


def check(config: RunConfig) -> None:
    """Raise ConfigError where the probe cannot look at the run's model."""
    probes.check(config)


def make(subject: Subject, folder: Path, state: Path, tracker: Tracker) -> Mapping[str, Any]:
    """Write rows.parquet."""
    import pandas as pd

    from physics_lm import checkpoints, device
    from physics_lm.environment import describe

    config = subject.config
    rows = probes.load(config.probe).rows(subject, state)
    if missing := [name for name in ITEM if name not in rows]:
        raise TypeError(f"probe={config.probe.kind}: its rows lack {', '.join(missing)}, which every row must have")
    settings = dict(settings_columns(config))
    read = getattr(models.load(config.model), "READ", ())
    settings |= {f"model.{name}": checkpoints.shape(subject.model)[name] for name in read}
    columns = pd.DataFrame([settings]).iloc[[0] * len(rows)].reset_index(drop=True)
    rows = pd.concat([rows, columns], axis=1)
    rows.insert(0, "run", subject.chain.rows.key)
    rows.to_parquet(folder / "rows.parquet", index=False)
    manifest = {**describe(), "rows": len(rows)}
    if precision := getattr(config.probe, "precision", ""):
        manifest["precision"] = device.resolve_precision(precision, device.default_device())
    return manifest
