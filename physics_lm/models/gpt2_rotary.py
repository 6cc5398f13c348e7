"""Pre-LN GPT-2 with rotary embeddings on a quarter of each head: GPT-NeoX, residuals in sequence (Part 3.1)."""

from typing import TYPE_CHECKING, Any

from physics_lm.config.model import ShapeConfig as Config
from physics_lm.config.model import check_rotary

if TYPE_CHECKING:
    from transformers import PreTrainedModel

VERSION = 1
check = check_rotary


def build(config: Config, tokens: dict[str, Any]) -> "PreTrainedModel":
    """Return the model with random weights. tokens: vocab_size and the ids of the begin and end tokens."""
    from transformers import GPTNeoXConfig, GPTNeoXForCausalLM

    return GPTNeoXForCausalLM(
        GPTNeoXConfig(
            num_hidden_layers=config.layers, hidden_size=config.width, num_attention_heads=config.heads,
            intermediate_size=4 * config.width, max_position_embeddings=config.positions,
            rope_parameters={"rope_type": "default", "rope_theta": 10_000.0, "partial_rotary_factor": 0.25},
            use_parallel_residual=False, tie_word_embeddings=True, hidden_act="gelu",
            hidden_dropout=config.dropout, attention_dropout=config.dropout, **tokens,
        )
    )  # fmt: skip
