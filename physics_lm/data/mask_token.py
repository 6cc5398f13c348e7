"""TODO physics_lm.data.mask_token."""

from transformers import PreTrainedTokenizerBase

from physics_lm.data import tokenizers

MASK = "<|mask|>"


def extend(tokenizer: PreTrainedTokenizerBase, objective: str) -> PreTrainedTokenizerBase:
    """Return the tokenizer with the mask token, where the objective needs one; ids it has stay as they are."""
    if objective == "causal":
        return tokenizer
    extended = tokenizers.extend(tokenizer, [MASK])
    extended.mask_token = MASK
    return extended


def mask_id(tokenizer: PreTrainedTokenizerBase) -> int:
    """Return the id of the mask token of a tokenizer that has one (see `extend`)."""
    return int(tokenizer.convert_tokens_to_ids(MASK))


def hiding_id(tokenizer: PreTrainedTokenizerBase, objective: str) -> int | None:
    """Return the id that stands for a question's answer: the mask's under `masked`, else None, nothing is hidden."""
    return mask_id(tokenizer) if objective == "masked" else None
