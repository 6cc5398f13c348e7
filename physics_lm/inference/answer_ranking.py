"""Every answer after every prompt: the log-probabilities that a right answer is held against."""

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from transformers import PreTrainedModel, PreTrainedTokenizerBase

from physics_lm import progress
from physics_lm.data import tokenizers
from physics_lm.data.ragged import join, pad


@torch.no_grad()
def log_probabilities(
    model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase, prompts: Sequence[str], answers: Sequence[str]
) -> NDArray[np.float64]:
    """Return the log-probability of every answer after every prompt, shape (P, A), in nats and fp32.

    A prompt is read once, and every answer goes on from it.
    """
    model.eval()
    where, end = next(model.parameters()).device, tokenizer.eos_token_id
    tails = join(tokenizers.ids(tokenizer, answers), end)
    tail_AxT = torch.from_numpy(pad(tails, np.arange(len(tails)), end)).long().to(where)[:, :-1]
    told_AxT = torch.from_numpy(np.arange(tail_AxT.shape[1]) < tails.lengths[:, None] - 1).to(where)
    found = []
    for head in progress.over(tokenizers.ids(tokenizer, prompts), "probe", "prompt"):
        read = model(input_ids=torch.tensor([[end, *head]], device=where), use_cache=True)
        read.cache.batch_repeat_interleave(len(answers))
        rest = model(input_ids=tail_AxT, cache=read.cache).logits[:, :-1]
        first = read.logits[:, -1:].expand(len(answers), -1, -1)
        logprob_AxTxV = torch.cat([first, rest], dim=1).float().log_softmax(-1)
        gold_AxT = logprob_AxTxV.gather(-1, tail_AxT[..., None])[..., 0]
        found.append((gold_AxT * told_AxT).double().sum(-1).cpu().numpy())
    return np.stack(found)
