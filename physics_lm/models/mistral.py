"""Mistral: Llama with key and value heads that several query heads share; its sliding window is off."""

from typing import Any

from transformers import MistralConfig, MistralForCausalLM, PreTrainedModel

from physics_lm.config.model import ModelConfig
from physics_lm.models import llama


def build(config: ModelConfig, tokens: dict[str, Any]) -> PreTrainedModel:
    """Return the model with random weights. tokens: vocab_size and the ids of the begin and end tokens."""
    shape = {**llama.shape(config), "num_key_value_heads": max(1, config.heads // config.sharing)}
    return MistralForCausalLM(MistralConfig(**shape, sliding_window=None, **tokens))
