"""How many masked tokens of the values in entries a bidirectional model restores (Part 3.1, section 6)."""

import numpy as np
import torch
from transformers import PreTrainedModel, PreTrainedTokenizerBase

from physics_lm import progress
from physics_lm.config.training import TrainConfig
from physics_lm.data import mask_token
from physics_lm.data.encoding import Array, EncodedAnswers
from physics_lm.data.ragged import pad
from physics_lm.objectives._shared import restoration


@torch.no_grad()
def count_restored(
    model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase, encoded: EncodedAnswers, seed: int, batch: int
) -> tuple[Array, Array]:
    """Return for every value its masked tokens and how many of these the model predicts right, (A,) each.

    Whole words are masked at the rate of the paper, in every entry anew.
    """
    model.eval()
    lengths, filler = encoded.sequences.lengths, int(tokenizer.eos_token_id)
    masks = _sample_masks(encoded, restoration.word_starts(tokenizer).numpy(), seed)
    tokens, right = np.zeros(len(encoded.sequence_index), np.int64), np.zeros(len(encoded.sequence_index), np.int64)
    batches = np.array_split(np.arange(len(lengths)), -(-len(lengths) // batch))
    for index in progress.track(batches, "restored", "batch"):
        ids_BxT = torch.from_numpy(pad(encoded.sequences, index, filler)).long().to(model.device)
        ids_BxT = ids_BxT[:, : model.config.max_position_embeddings]
        mask_BxT = torch.zeros_like(ids_BxT, dtype=torch.bool)
        for row, number in enumerate(index):
            mask_BxT[row, : lengths[number]] = torch.from_numpy(masks[number])[: mask_BxT.shape[1]]
        inputs_BxT = ids_BxT.masked_fill(mask_BxT, mask_token.mask_id(tokenizer))
        attention_BxT = restoration.attention_mask(ids_BxT, filler)
        logits_BxTxV = model(input_ids=inputs_BxT, attention_mask=attention_BxT, use_cache=False).logits
        right_BxT = (logits_BxTxV.argmax(-1) == ids_BxT).cpu()
        first, last = np.searchsorted(encoded.sequence_index, [index[0], index[-1] + 1])
        for value in range(first, last):
            span = slice(encoded.start[value], encoded.stop[value])
            mask = masks[encoded.sequence_index[value]][span]
            tokens[value] = mask.sum()
            right[value] = (right_BxT[encoded.sequence_index[value] - index[0], span].numpy() & mask).sum()
    return tokens, right


def _sample_masks(encoded: EncodedAnswers, starts: Array, seed: int) -> list[Array]:
    """Return for every sequence which of its tokens are masked: whole words, never the end tokens."""
    rng, masks = np.random.default_rng([seed, 17]), []
    for number in range(len(encoded.sequences)):
        word = np.cumsum(starts[encoded.sequences[number]])
        mask = (rng.random(word[-1] + 1) < TrainConfig.mask_rate)[word]
        mask[[0, -1]] = False
        masks.append(mask)
    return masks
