"""Greedy generation in batches with transformers' own `generate`; each batch stops early.

Used where the text that a model writes matters, above all for hints. To tell right from wrong, the one-pass
`physics_lm.inference.exact_match` is enough; the two agree (tested).
"""

from collections.abc import Callable, Sequence

import numpy as np
import torch
from transformers import Cache, PreTrainedModel, PreTrainedTokenizerBase

from physics_lm import progress

MakeCache = Callable[[], Cache] | None


@torch.no_grad()
def generate(
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerBase,
    prompts: Sequence[str],
    max_tokens: int,
    batch: int,
    make_cache: MakeCache = None,
) -> list[str]:
    """Return the continuation of each prompt, in order: up to the end token, `max_tokens` or the context.

    The end token precedes a prompt, as in training; `batch` prompts of similar length are continued at a time.
    make_cache: returns a new key-value cache for each batch; None for transformers' own, which keeps all.
    """
    model.eval()
    ids = tokenizer(list(prompts), add_special_tokens=False)["input_ids"] if prompts else []
    by_length = np.argsort([len(prompt) for prompt in ids], kind="stable")
    batches = np.array_split(by_length, max(1, -(-len(ids) // batch)))
    texts: dict[int, str] = {}
    for index in progress.track(batches, "generate", "batch"):
        if len(index):
            written = _continue(model, tokenizer, [ids[n] for n in index], max_tokens, make_cache)
            texts |= zip(index.tolist(), written, strict=True)
    return [texts[number] for number in range(len(ids))]


def _continue(
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerBase,
    prompts: list[list[int]],
    max_tokens: int,
    make_cache: MakeCache,
) -> list[str]:
    end, width, device = tokenizer.eos_token_id, 1 + max(map(len, prompts)), next(model.parameters()).device
    ids_BxT = torch.tensor([[end] * (width - len(prompt)) + prompt for prompt in prompts])
    # the model sees the end token just before a prompt, and not those that pad on the left
    mask_BxT = torch.arange(width) >= width - 1 - torch.tensor([[len(prompt)] for prompt in prompts])
    output_BxS = model.generate(
        input_ids=ids_BxT.to(device),
        attention_mask=mask_BxT.long().to(device),
        max_new_tokens=max(1, min(max_tokens, model.config.max_position_embeddings - width)),
        do_sample=False,
        eos_token_id=end,
        pad_token_id=end,
        **({"cache": make_cache()} if make_cache else {}),
    )
    texts: list[str] = tokenizer.batch_decode(output_BxS[:, width:], skip_special_tokens=True)
    return [text.strip() for text in texts]
