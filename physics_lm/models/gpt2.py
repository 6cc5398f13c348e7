"""GPT-2 with learned positions."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from data_gen.settings import kind
from physics_lm.config.model import ShapeConfig, check_heads

if TYPE_CHECKING:
    from transformers import PreTrainedModel

VERSION = 1


@dataclass(frozen=True)
class Config(ShapeConfig):
    """The shape is all there is to set."""

    kind: str = kind("gpt2")


check = check_heads


def build(config: Config, tokens: dict[str, Any]) -> "PreTrainedModel":
    """Return the model with random weights. tokens: vocab_size and the ids of the begin and end tokens."""
    from transformers import GPT2Config, GPT2LMHeadModel

    return GPT2LMHeadModel(
        GPT2Config(
            n_layer=config.layers, n_embd=config.width, n_head=config.heads, n_positions=config.positions,
            resid_pdrop=config.dropout, embd_pdrop=config.dropout, attn_pdrop=config.dropout, **tokens,
        )
    )  # fmt: skip
