"""The probe: a row per item asked of the trained model, with the run's key and settings as columns."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from physics_lm import probes
from physics_lm.config.columns import settings_columns
from physics_lm.config.probe import LINEAR_PROBES
from physics_lm.config.run import RunConfig
from physics_lm.store import artifacts
from physics_lm.store.chain import Chain
from physics_lm.subject import Subject
from physics_lm.tracking import Tracker

NAME, OUTPUT, TRAINS = "probe", "rows", False
VERSION = 2
LINEAR_VERSION = 2  # of the probes that learn


def spec(config: RunConfig, chain: Chain) -> artifacts.Spec:
    """Return the spec of the rows."""
    version = LINEAR_VERSION if config.probe.kind in LINEAR_PROBES else VERSION
    facts = chain.get("facts")
    inputs = {"facts": facts} if facts else {}
    settings = {"probe": config.probe.result_settings, "questions": config.questions}
    return artifacts.spec("probe", version, settings, model=chain.model, **inputs)


def make(subject: Subject, folder: Path, state: Path, tracker: Tracker) -> Mapping[str, Any]:
    """Write rows.parquet."""
    import pandas as pd

    from physics_lm import device
    from physics_lm.environment import describe
    from physics_lm.models import loading

    config = subject.config
    rows = probes.load(config.probe.kind).rows(subject, state)
    settings = dict(settings_columns(config))
    if config.model.kind == "checkpoint":
        settings |= {f"model.{name}": size for name, size in loading.shape(subject.model).items()}
    columns = pd.DataFrame([settings]).iloc[[0] * len(rows)].reset_index(drop=True)
    rows = pd.concat([rows, columns], axis=1)
    rows.insert(0, "run", subject.chain.rows.key)
    rows.to_parquet(folder / "rows.parquet", index=False)
    manifest = {**describe(), "rows": len(rows)}
    if config.probe.kind in LINEAR_PROBES:
        manifest["precision"] = device.resolve_precision(config.probe.precision, device.default_device())
    return manifest
