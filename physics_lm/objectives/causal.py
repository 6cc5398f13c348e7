"""The next token, from those before it."""

from typing import TYPE_CHECKING

from physics_lm.config.training import TrainConfig

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

    from physics_lm.objectives import Loss

BIDIRECTIONAL, SPLITS = False, True


def extend(tokenizer: "PreTrainedTokenizerBase") -> "PreTrainedTokenizerBase":
    """Return the tokenizer as it is."""
    return tokenizer


def answer_mask(tokenizer: "PreTrainedTokenizerBase") -> None:
    """Answers stay in the input: each token is predicted from those before it."""


def build(config: TrainConfig, tokenizer: "PreTrainedTokenizerBase", seed: int) -> "Loss":
    """Return the mean cross-entropy of the next token."""
    from physics_lm.objectives._shared import next_token

    return next_token.loss
