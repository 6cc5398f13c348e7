"""Fine-tuning of every weight."""

from typing import Any

from physics_lm.config.run import RunConfig
from physics_lm.config.training import FinetuneConfig as Config

VERSION = 1


def check(section: str, config: Config, run: RunConfig) -> None:
    """Every model can be fine-tuned so."""


def attach(model: Any, config: Config, seed: int) -> Any:
    """Return the model as it is."""
    return model
