"""Mistral: Llama with key and value heads that several query heads share; its sliding window is off."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from data_gen.errors import ConfigError
from data_gen.settings import kind, setting
from physics_lm.config.model import ShapeConfig, check_rotary
from physics_lm.models import llama

if TYPE_CHECKING:
    from transformers import PreTrainedModel

VERSION = 1


@dataclass(frozen=True)
class Config(ShapeConfig):
    """sharing: number of query heads per key and value head, at most `heads`."""

    kind: str = kind("mistral")
    sharing: int = setting(1, least=1)


def check(config: Config) -> None:
    """Raise ConfigError naming the key where heads do not share the width, or keys and values, evenly."""
    check_rotary(config)
    if config.heads % min(config.sharing, config.heads):
        raise ConfigError(f"model.sharing={config.sharing}: must divide model.heads={config.heads}")


def build(config: Config, tokens: dict[str, Any]) -> "PreTrainedModel":
    """Return the model with random weights. tokens: vocab_size and the ids of the begin and end tokens."""
    from transformers import MistralConfig, MistralForCausalLM

    shape = {**llama.shape(config), "num_key_value_heads": max(1, config.heads // config.sharing)}
    return MistralForCausalLM(MistralConfig(**shape, sliding_window=None, **tokens))
