"""No fine-tuning: the model is probed, or fine-tuned further, as the stage before leaves it."""

from dataclasses import dataclass

from data_gen.settings import kind
from physics_lm.config.training import MethodConfig


@dataclass(frozen=True)
class Config(MethodConfig):
    """There is nothing to set."""

    method: str = kind("none")
