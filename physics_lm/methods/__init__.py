"""Fine-tuning methods, a module for each: which parameters of a model are trained.

`none` has no such functions, since nothing is fine-tuned then.
"""

from typing import TYPE_CHECKING, Any, Protocol, cast

from data_gen import kinds
from physics_lm.config.run import RunConfig
from physics_lm.config.training import FinetuneConfig, MethodConfig

if TYPE_CHECKING:
    from physics_lm.checkpoints import Trained


class Method(Protocol):
    """What a module of this package offers; it imports torch only inside its functions.

    VERSION: raised when the same settings give another model.
    """

    VERSION: int

    def check(self, section: str, config: Any, run: RunConfig) -> None:
        """Raise ConfigError, naming the key and how to fix it, where a run's model cannot be fine-tuned so."""
        ...

    def attach(self, model: Any, config: Any, seed: int) -> Any:
        """Return the model ready for training; `seed` decides what is drawn."""
        ...

    def finish(self, model: Any) -> "Trained":
        """Return the trained model as its checkpoint holds it: merged, or as it is, with further tensors."""
        ...


def load(section: str, config: MethodConfig) -> Method:
    """Return the module of a section's method; raises ConfigError where there is none."""
    return cast(Method, kinds.load(__name__, section, config, makes="attach", base=FinetuneConfig))
