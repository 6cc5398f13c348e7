"""Settings of experiment tracking."""

from dataclasses import dataclass


@dataclass(frozen=True)
class TrackingConfig:
    """kind: none, or wandb. project: its project. mode: online, offline, or auto (offline where it must be)."""

    kind: str = "none"
    project: str = "physics-lm"
    mode: str = "auto"
