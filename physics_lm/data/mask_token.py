"""The mask token of the bidirectional objectives."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

MASK = "<|mask|>"


def extend(tokenizer: "PreTrainedTokenizerBase") -> "PreTrainedTokenizerBase":
    """Return the tokenizer with the mask token; existing ids stay."""
    from physics_lm.data import tokenizers

    extended = tokenizers.extend(tokenizer, [MASK])
    extended.mask_token = MASK
    return extended


def mask_id(tokenizer: "PreTrainedTokenizerBase") -> int:
    """Return the id of the mask token; the tokenizer must have one (see `extend`)."""
    return int(tokenizer.convert_tokens_to_ids(MASK))
