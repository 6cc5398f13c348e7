"""TODO physics_lm.run."""

from pathlib import Path
from typing import TYPE_CHECKING

from physics_lm import checks
from physics_lm.store.artifacts import Store
from physics_lm.training import distributed

if TYPE_CHECKING:
    from physics_lm.tracking import Tracker
from physics_lm.config.run import RunConfig
from physics_lm.plan import Plan, plan


def run(config: RunConfig, lab: Path, tracker: "Tracker | None" = None) -> Path:
    """Make what is missing of a run, step by step; return the folder of its rows.

    tracker: mirrors the steps that are made. Raises ConfigError, AuditError and their kin before anything is trained.
    """
    checks.check(config)
    store, specs = Store(lab), plan(config)
    store.check_writable()
    if distributed.size() == 1 and complete(store, specs):
        return store.folder(specs.probe)
    from physics_lm import making  # heavy: torch and transformers
    from physics_lm.tracking import Tracker

    mirror = Tracker() if distributed.rank() else tracker or Tracker()
    return making.run(config, specs, store, mirror)


def complete(store: Store, specs: Plan) -> bool:
    """Whether a run's rows are there, and nothing that is there of the run is damaged."""
    return store.sound(specs.probe) and all(store.sound(step) for step in specs.steps if store.has(step))
