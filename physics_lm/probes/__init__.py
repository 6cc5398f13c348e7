"""Probes: each module turns a trained model into per-item rows; `load` imports one by name."""

import importlib
import pkgutil
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, cast

from data_gen.errors import ConfigError
from physics_lm.subject import Subject

if TYPE_CHECKING:
    import pandas as pd


class Probe(Protocol):
    """The interface of a module of this package."""

    def rows(self, subject: Subject, state: Path) -> "pd.DataFrame":
        """Return a row per item. state: a folder for resumable state, so that a killed probe can continue."""
        ...


def names() -> list[str]:
    """Return the names of all probes."""
    return sorted(module.name for module in pkgutil.iter_modules(__path__) if not module.ispkg)


def check(name: str) -> None:
    """Raise ConfigError where there is no probe of that name."""
    if name not in names():
        raise ConfigError(f"probe.kind={name}: choose one of {', '.join(names())}")


def load(name: str) -> Probe:
    """Return the module of a probe; raises ConfigError where there is none of that name."""
    check(name)
    return cast(Probe, importlib.import_module(f"{__name__}.{name}"))
