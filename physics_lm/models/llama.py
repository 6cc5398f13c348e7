"""Llama of the shape of a GPT-2: gated layers of 8/3 of the width, tied embeddings."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from data_gen.settings import kind
from physics_lm.config.model import ShapeConfig, check_rotary

if TYPE_CHECKING:
    from transformers import PreTrainedModel

VERSION = 1


@dataclass(frozen=True)
class Config(ShapeConfig):
    """The shape is all there is to set."""

    kind: str = kind("llama")


check = check_rotary


def shape(config: ShapeConfig) -> dict[str, Any]:
    """Return the settings that transformers' LlamaConfig and MistralConfig share."""
    return {
        "num_hidden_layers": config.layers,
        "hidden_size": config.width,
        "num_attention_heads": config.heads,
        "num_key_value_heads": config.heads,
        "intermediate_size": -(-8 * config.width // 3 // 8) * 8,
        "max_position_embeddings": config.positions,
        "attention_dropout": config.dropout,
        "tie_word_embeddings": True,
    }


def build(config: Config, tokens: dict[str, Any]) -> "PreTrainedModel":
    """Return the model with random weights. tokens: vocab_size and the ids of the begin and end tokens."""
    from transformers import LlamaConfig, LlamaForCausalLM

    return LlamaForCausalLM(LlamaConfig(**shape(config), **tokens))
