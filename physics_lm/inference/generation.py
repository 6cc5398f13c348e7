"""Greedy generation in batches with transformers' own generate, each batch stopping early.

Used where what a model writes is looked at, hints above all; right or wrong alone needs only
`physics_lm.scoring`, which agrees with it (tested).
"""

from collections.abc import Sequence

import numpy as np
import torch
from transformers import PreTrainedModel, PreTrainedTokenizerBase

from physics_lm import progress


@torch.no_grad()
def generate(
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerBase,
    prompts: Sequence[str],
    longest: int,
    batch: int,
    title: str = "generate",
) -> list[str]:
    """Return what the model writes after each prompt, in order: up to the end token, `longest` or the context.

    A prompt follows the end token, as in training; `batch` prompts of like length are continued at a time.
    """
    model.eval()
    ids = tokenizer(list(prompts), add_special_tokens=False)["input_ids"] if prompts else []
    by_length = np.argsort([len(part) for part in ids], kind="stable")
    parts = np.array_split(by_length, max(1, -(-len(ids) // batch)))
    found: dict[int, str] = {}
    for part in progress.over(parts, title, "batch"):
        if len(part):
            found |= zip(part.tolist(), _continue(model, tokenizer, [ids[n] for n in part], longest), strict=True)
    return [found[number] for number in range(len(ids))]


def _continue(
    model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase, prompts: list[list[int]], longest: int
) -> list[str]:
    end, width = tokenizer.eos_token_id, 1 + max(map(len, prompts))
    ids_BxT = torch.tensor([[end] * (width - len(part)) + part for part in prompts])
    # the end token just before a prompt is seen, those that fill up on the left are not
    mask_BxT = torch.arange(width) >= width - 1 - torch.tensor([[len(part)] for part in prompts])
    where = next(model.parameters()).device
    out_BxS = model.generate(
        input_ids=ids_BxT.to(where),
        attention_mask=mask_BxT.long().to(where),
        max_new_tokens=max(1, min(longest, model.config.max_position_embeddings - width)),
        do_sample=False,
        eos_token_id=end,
        pad_token_id=end,
    )
    said: list[str] = tokenizer.batch_decode(out_BxS[:, width:], skip_special_tokens=True)
    return [text.strip() for text in said]
