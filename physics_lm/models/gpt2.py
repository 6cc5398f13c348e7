"""GPT-2 with learned positions."""

from typing import Any

from transformers import GPT2Config, GPT2LMHeadModel, PreTrainedModel

from physics_lm.config.model import ModelConfig


def build(config: ModelConfig, tokens: dict[str, Any]) -> PreTrainedModel:
    """Return the model with random weights. tokens: vocab_size and the ids of the begin and end tokens."""
    return GPT2LMHeadModel(
        GPT2Config(
            n_layer=config.layers, n_embd=config.width, n_head=config.heads, n_positions=config.positions,
            resid_pdrop=config.dropout, embd_pdrop=config.dropout, attn_pdrop=config.dropout, **tokens,
        )
    )  # fmt: skip
