"""Probes: a module each, from a trained model to per-item rows; `probe` finds it by name."""

import importlib
import pkgutil
from typing import TYPE_CHECKING, Protocol, cast

from data_gen.errors import ConfigError

if TYPE_CHECKING:
    import pandas as pd

    from physics_lm.steps import Job


class Probe(Protocol):
    """What a module of this package offers."""

    def rows(self, job: "Job") -> "pd.DataFrame":
        """Return a row per item asked of the job's trained model."""
        ...


def probes() -> list[str]:
    """Return the names of all probes."""
    return sorted(module.name for module in pkgutil.iter_modules(__path__))


def check(name: str) -> None:
    """Raise ConfigError where there is no probe of that name."""
    if name not in probes():
        raise ConfigError(f"probe.kind={name}: choose one of {', '.join(probes())}")


def probe(name: str) -> Probe:
    """Return the module of a probe; raises ConfigError where there is none of that name."""
    check(name)
    return cast(Probe, importlib.import_module(f"{__name__}.{name}"))
