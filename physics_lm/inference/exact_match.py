"""Exact match in one forward pass: an answer is right where the argmax is right at each of its tokens.

With the end token as part of the answer this equals greedy generation, without decoding (tested). For a bidirectional
model the tokens of one answer are replaced by masks and predicted all at once (Part 3.1, section 6).
"""

from dataclasses import dataclass

import numpy as np
import torch
from transformers import PreTrainedModel, PreTrainedTokenizerBase

from physics_lm import progress
from physics_lm.data import mask_token, tokenizers
from physics_lm.data.encoding import Array, EncodedAnswers
from physics_lm.data.ragged import Ids, pad
from physics_lm.inference.batched_forward import Predictions, predict, predictions_from_logits
from physics_lm.objectives._shared import causality, restoration


@dataclass(frozen=True)
class Score:
    """The score of one answer: the argmax at its tokens as text, tokens, right tokens, log-probability of the gold.

    prediction: under teacher forcing, so a wrong one is not what the model would write. confidence: the probability of
    the most likely first token, right or wrong.
    """

    prediction: str
    tokens: int
    tokens_correct: int
    gold_logprob: float
    confidence: float

    @property
    def correct(self) -> bool:
        """Whether every token is right."""
        return self.tokens == self.tokens_correct


@torch.no_grad()
def score(
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerBase,
    encoded: EncodedAnswers,
    batch: int,
    title: str = "probe",
) -> list[Score]:
    """Return the score of every answer, in order, in fp32; `batch` sequences per forward pass."""
    model.eval()
    if causality.is_bidirectional(model):
        encoded = encoded.one_per_sequence()
    scores: dict[int, Score] = {}
    by_length = np.argsort(encoded.sequences.lengths, kind="stable")
    batches = np.array_split(by_length, max(1, -(-len(by_length) // batch)))
    for index in progress.track(batches, title, "batch"):
        scores.update(_score_batch(model, tokenizer, encoded, index))
    return [scores[number] for number in range(len(encoded.sequence_index))]


def _score_batch(
    model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase, encoded: EncodedAnswers, index: Array
) -> dict[int, Score]:
    """Return the scores of the answers in the sequences at `index`, by answer number."""
    ids_BxT = pad(encoded.sequences, index, tokenizer.eos_token_id)
    (argmax_BxT, logprob_BxT, confidence_BxT), shift = _predict(model, tokenizer, encoded, index, ids_BxT)
    first, last = (np.searchsorted(encoded.sequence_index, index, side) for side in ("left", "right"))
    row, number = _ranges(first, last)
    if not len(number):
        return {}
    answer, token = _ranges(encoded.start[number], encoded.stop[number])
    predicted, gold = argmax_BxT[row[answer], token - shift], ids_BxT[row[answer], token]
    bounds = np.searchsorted(answer, np.arange(len(number) + 1))
    tokens = np.diff(bounds).tolist()
    right = np.bincount(answer[predicted == gold], minlength=len(number)).tolist()
    logprob = np.bincount(answer, logprob_BxT[row[answer], token - shift], len(number)).tolist()
    confidence = confidence_BxT[row, encoded.start[number] - shift].tolist()
    texts = tokenizers.decode(tokenizer, [ids.tolist() for ids in np.split(predicted, bounds[1:-1])])
    columns = zip(texts, tokens, right, logprob, confidence, strict=True)
    scores = (Score(text.strip(), *numbers) for text, *numbers in columns)
    return dict(zip(number.tolist(), scores, strict=True))


def _ranges(start: Array, stop: Array) -> tuple[Array, Array]:
    """Return, for every number in R ranges one after the other, its range and the number itself."""
    lengths = stop - start
    owner = np.repeat(np.arange(len(start)), lengths)
    return owner, np.arange(len(owner)) + np.repeat(start - np.cumsum(lengths) + lengths, lengths)


def _predict(
    model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase, encoded: EncodedAnswers, index: Array, ids_BxT: Ids
) -> tuple[Predictions, int]:
    """Return the predictions, and how many columns before a token its prediction stands.

    The last token, the end, is never predicted, so an entry as long as the context still fits.
    """
    inputs_BxT = torch.from_numpy(ids_BxT).long().to(next(model.parameters()).device)
    if not causality.is_bidirectional(model):
        return predict(model, inputs_BxT), 1
    inputs_BxT = inputs_BxT[:, : model.config.max_position_embeddings]
    token = torch.arange(inputs_BxT.shape[1], device=inputs_BxT.device)
    start, stop = (torch.from_numpy(x[index, None]).to(inputs_BxT.device) for x in (encoded.start, encoded.stop))
    masked_BxT = inputs_BxT.masked_fill((token >= start) & (token < stop), mask_token.mask_id(tokenizer))
    attention_BxT = restoration.attention_mask(inputs_BxT, tokenizer.eos_token_id)
    logits_BxTxV = model(input_ids=masked_BxT, attention_mask=attention_BxT, use_cache=False).logits
    return predictions_from_logits(logits_BxTxV, inputs_BxT), 0
