"""The mask token of the bidirectional objectives."""

from transformers import PreTrainedTokenizerBase

from physics_lm.data import tokenizers

MASK = "<|mask|>"


def extend(tokenizer: PreTrainedTokenizerBase, objective: str) -> PreTrainedTokenizerBase:
    """Return the tokenizer, with the mask token where the objective is not causal; existing ids stay."""
    if objective == "causal":
        return tokenizer
    extended = tokenizers.extend(tokenizer, [MASK])
    extended.mask_token = MASK
    return extended


def mask_id(tokenizer: PreTrainedTokenizerBase) -> int:
    """Return the id of the mask token; the tokenizer must have one (see `extend`)."""
    return int(tokenizer.convert_tokens_to_ids(MASK))


def answer_mask_id(tokenizer: PreTrainedTokenizerBase, objective: str) -> int | None:
    """Return the id that replaces a question's answer in the input: the mask under `masked`, else None (no masking)."""
    return mask_id(tokenizer) if objective == "masked" else None
