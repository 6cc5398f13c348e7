"""Models of transformers' own classes, a module for each kind (Part 3.1, section 2.4 and appendix)."""

from typing import TYPE_CHECKING, Any, Protocol, cast

from data_gen import kinds, settings
from data_gen.errors import ConfigError
from physics_lm.config.model import ModelConfig

if TYPE_CHECKING:
    from transformers import PreTrainedModel


class Model(Protocol):
    """What a module of this package offers; it imports torch and transformers only inside its functions.

    VERSION: raised when the same settings give another model. A kind that is read from elsewhere, trained, names in
    READ the columns of its shape, which the rows then get from the model itself.
    """

    VERSION: int

    def check(self, config: Any) -> None:
        """Raise ConfigError naming the key and how to fix it where there is no such model."""
        ...

    def build(self, config: Any, tokens: dict[str, Any]) -> "PreTrainedModel":
        """Return the model. tokens: vocab_size and the ids of the begin and end tokens."""
        ...


def load(config: ModelConfig) -> Model:
    """Return the module of a kind of model; raises ConfigError where there is none."""
    return cast(Model, kinds.load(__name__, "model", config))


def build(config: ModelConfig, vocabulary: int, end_id: int, seed: int) -> "PreTrainedModel":
    """Return a model initialised from `seed`, or with the weights of a checkpoint folder.

    vocabulary: number of token ids; the embedding is padded to a multiple of 64. end_id: the end token's id.
    Raises ConfigError as `check` of the kind does and where a checkpoint's vocabulary is too small.
    """
    import torch

    from physics_lm.checkpoints import padded

    kind = load(config)
    settings.check("model", config)
    kind.check(config)
    tokens = {"vocab_size": padded(vocabulary), "bos_token_id": end_id, "eos_token_id": end_id}
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = kind.build(config, tokens)
    if model.get_input_embeddings().num_embeddings < vocabulary:
        raise ConfigError(f"model.kind={config.kind}: its vocabulary is smaller than the tokenizer's {vocabulary}")
    return model
