"""Probes: each module turns a trained model into per-item rows."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, cast

from data_gen import kinds
from data_gen.errors import ConfigError
from physics_lm.config.probe import ProbeConfig
from physics_lm.config.run import RunConfig
from physics_lm.needs import Need
from physics_lm.subject import Subject

if TYPE_CHECKING:
    import pandas as pd


class Probe(Protocol):
    """What a module of this package offers, beside its `Config`; it imports torch only inside its functions.

    VERSION: raised when the same settings give other rows. NEEDS: what the run must have. `check` may be left out.
    """

    VERSION: int
    NEEDS: Sequence[Need]

    def check(self, config: Any) -> None:
        """Raise ConfigError, naming the key and how to fix it, where the settings contradict each other."""
        ...

    def rows(self, subject: Subject, state: Path) -> "pd.DataFrame":
        """Return a row per item. state: a folder for resumable state, so that a killed probe can continue."""
        ...


def load(config: ProbeConfig) -> Probe:
    """Return the module of a probe; raises ConfigError where there is none."""
    return cast(Probe, kinds.load(__name__, "probe", config))


def check(config: RunConfig) -> None:
    """Raise ConfigError where the probe's settings are impossible, or the run lacks something that it needs."""
    probe = load(config.probe)
    if hasattr(probe, "check"):
        probe.check(config.probe)
    for need in probe.NEEDS:
        if lacking := need(config):
            possible = ", ".join(_possible(config))
            raise ConfigError(f"probe.kind={config.probe.kind}: needs {lacking}, or choose another probe ({possible})")


def _possible(config: RunConfig) -> list[str]:
    """Return the names of the probes that lack nothing in a run."""
    probes = kinds.modules(__name__).items()
    return [name for name, probe in probes if not any(need(config) for need in probe.NEEDS)]
