"""A model that reads both ways: its questions, and whether it has learned its entries (Part 3.1, section 6).

Task `restored`: words of an entry are masked as in the paper's training, and the attributes' among them restored.
"""

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import torch
from transformers import PreTrainedModel, PreTrainedTokenizerBase

from physics_lm import device, progress
from physics_lm.config.training import TrainConfig
from physics_lm.data import encoding, mask_token
from physics_lm.data.encoding import Array, EncodedAnswers
from physics_lm.data.ragged import pad
from physics_lm.inference import item_rows
from physics_lm.objectives import masked
from physics_lm.probes import extraction

if TYPE_CHECKING:
    from physics_lm.steps import Job

RESTORED = "restored"


def rows(job: "Job") -> pd.DataFrame:
    """Return the rows of the extraction probe, and one per value of which a token was masked in an entry.

    The latter are of the pretrained model, before any fine-tuning; correct: all masked tokens of the value are right.
    """
    entries = [entry for entry in job.entries if entry.spans]
    model, vocabulary = job.pretrained()
    asked = encoding.encode_entries(vocabulary, entries)
    tokens, right = restored(model.to(device.device()), vocabulary, asked, job.config.seed, job.config.probe.batch)  # type: ignore[arg-type]
    found = extraction.rows(job)
    read = found[found["task"] == item_rows.BIOGRAPHY].reset_index(drop=True)
    shown = read.assign(task=RESTORED, prediction="", gold_logprob=np.nan, tokens=tokens, tokens_correct=right)
    return pd.concat([found, shown.assign(correct=tokens == right)[tokens > 0]], ignore_index=True)


@torch.no_grad()
def restored(
    model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase, asked: EncodedAnswers, seed: int, batch: int
) -> tuple[Array, Array]:
    """Return for every value how many of its tokens were masked, and how many of these were restored, (A,) each.

    Whole words are masked at the rate of the paper, in every entry anew.
    """
    model.eval()
    lengths, filler = asked.sequences.lengths, int(tokenizer.eos_token_id)
    chosen = _chosen(asked, masked.word_starts(tokenizer).numpy(), seed)
    tokens, right = np.zeros(len(asked.sequence), np.int64), np.zeros(len(asked.sequence), np.int64)
    for part in progress.over(np.array_split(np.arange(len(lengths)), -(-len(lengths) // batch)), "restored", "batch"):
        ids_BxT = torch.from_numpy(pad(asked.sequences, part, filler)).long().to(model.device)
        ids_BxT = ids_BxT[:, : model.config.max_position_embeddings]
        hide_BxT = torch.zeros_like(ids_BxT, dtype=torch.bool)
        for row, number in enumerate(part):
            hide_BxT[row, : lengths[number]] = torch.from_numpy(chosen[number])[: hide_BxT.shape[1]]
        seen_BxT = ids_BxT.masked_fill(hide_BxT, mask_token.mask_id(tokenizer))
        shown = masked.shown(ids_BxT, filler)
        same_BxT = (model(input_ids=seen_BxT, attention_mask=shown, use_cache=False).logits.argmax(-1) == ids_BxT).cpu()
        first, last = np.searchsorted(asked.sequence, [part[0], part[-1] + 1])
        for value in range(first, last):
            place = slice(asked.start[value], asked.stop[value])
            hidden = chosen[asked.sequence[value]][place]
            tokens[value] = hidden.sum()
            right[value] = (same_BxT[asked.sequence[value] - part[0], place].numpy() & hidden).sum()
    return tokens, right


def _chosen(asked: EncodedAnswers, starts: Array, seed: int) -> list[Array]:
    """Return for every sequence which of its tokens are masked: whole words, never the end tokens."""
    rng, found = np.random.default_rng([seed, 17]), []
    for number in range(len(asked.sequences)):
        word = np.cumsum(starts[asked.sequences[number]])
        drawn = rng.random(word[-1] + 1) < TrainConfig.mask_rate
        hide = drawn[word]
        hide[[0, -1]] = False
        found.append(hide)
    return found
