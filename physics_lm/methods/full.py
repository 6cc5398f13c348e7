"""Fine-tuning of every weight."""

from typing import TYPE_CHECKING, Any

from physics_lm.config.run import RunConfig
from physics_lm.config.training import FinetuneConfig as Config

if TYPE_CHECKING:
    from physics_lm.checkpoints import Trained

VERSION = 1


def check(section: str, config: Config, run: RunConfig) -> None:
    """Every model can be fine-tuned so."""


def attach(model: Any, config: Config, seed: int) -> Any:
    """Return the model as it is."""
    return model


def finish(model: Any) -> "Trained":
    """Return the model as it is."""
    from physics_lm.checkpoints import Trained

    return Trained(model)
