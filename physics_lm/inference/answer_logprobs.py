"""The log-probability of every answer after every prompt, to rank the right answer among the others."""

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
    """Return the log-probability of every answer after every prompt, shape (P, A), in nats, computed in fp32.

    The model reads a prompt once; all answers continue from its key-value cache.
    """
    model.eval()
    device, end = next(model.parameters()).device, tokenizer.eos_token_id
    encoded = join(tokenizers.ids(tokenizer, answers), end)
    answer_AxT = torch.from_numpy(pad(encoded, np.arange(len(encoded)), end)).long().to(device)[:, :-1]
    mask_AxT = torch.from_numpy(np.arange(answer_AxT.shape[1]) < encoded.lengths[:, None] - 1).to(device)
    rows = []
    for prompt in progress.track(tokenizers.ids(tokenizer, prompts), "probe", "prompt"):
        output = model(input_ids=torch.tensor([[end, *prompt]], device=device), use_cache=True)
        output.cache.batch_repeat_interleave(len(answers))
        later = model(input_ids=answer_AxT, cache=output.cache).logits[:, :-1]
        first = output.logits[:, -1:].expand(len(answers), -1, -1)
        logprob_AxTxV = torch.cat([first, later], dim=1).float().log_softmax(-1)
        logprob_AxT = logprob_AxTxV.gather(-1, answer_AxT[..., None])[..., 0]
        rows.append((logprob_AxT * mask_AxT).double().sum(-1).cpu().numpy())
    return np.stack(rows)
