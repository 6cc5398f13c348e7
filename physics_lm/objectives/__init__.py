"""Training objectives, a module for each: what a model learns to predict.

Modules with BIDIRECTIONAL are objectives; others are shared by them. A loss is a function of a model, a batch of named
tensors and a step's number.
"""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Protocol, cast

from data_gen import kinds
from data_gen.errors import ConfigError
from physics_lm.config.training import TrainConfig

if TYPE_CHECKING:
    from torch import Tensor
    from transformers import PreTrainedTokenizerBase

Loss = Callable[[Any, Mapping[str, "Tensor"], int], "Tensor"]


class Objective(Protocol):
    """What a module of this package offers; it imports torch only inside its functions.

    BIDIRECTIONAL: whether the model attends to later tokens too. SPLITS: whether the loss of a batch is the mean over
    its parts, so that several processes may share it.
    """

    BIDIRECTIONAL: bool
    SPLITS: bool

    def extend(self, tokenizer: "PreTrainedTokenizerBase") -> "PreTrainedTokenizerBase":
        """Return the tokenizer with the tokens that the objective needs; existing ids stay."""
        ...

    def answer_mask(self, tokenizer: "PreTrainedTokenizerBase") -> int | None:
        """Return the id that replaces the tokens of a question's answer in the input, or None where they stay."""
        ...

    def build(self, config: TrainConfig, tokenizer: "PreTrainedTokenizerBase", seed: int) -> Loss:
        """Return the loss; what it draws in a step depends on the seed and the step only."""
        ...


def load(section: str, config: TrainConfig) -> Objective:
    """Return the module of a section's objective; raises ConfigError where there is none."""
    modules = kinds.modules(__name__, "BIDIRECTIONAL")
    if config.objective not in modules:
        raise ConfigError(f"{section}.objective={config.objective}: choose one of {', '.join(modules)}")
    return cast(Objective, modules[config.objective])


def names(bidirectional: bool) -> str:
    """Return the names of the objectives of a causal model, or of a bidirectional one, as text."""
    modules = kinds.modules(__name__, "BIDIRECTIONAL").items()
    return " or ".join(name for name, module in modules if bidirectional == module.BIDIRECTIONAL)
