"""Settings that every probe has; each probe's own are in its module (physics_lm.probes)."""

from dataclasses import dataclass

from data_gen.settings import kind, setting


@dataclass(frozen=True)
class ProbeConfig:
    """What is measured on the trained model. kind: a module of physics_lm.probes. batch: rows per forward pass."""

    kind: str = kind("extraction")
    batch: int = setting(256, least=1)
