"""One-pass exact match: an answer is right where the argmax is right at each of its tokens.

With the stop token in the gold this equals greedy generation, and needs no decoding (tested). A model that reads
both ways is shown one answer's tokens as masks and restores them all at once (Part 3.1, section 6).
"""

from dataclasses import dataclass

import numpy as np
import torch
from transformers import PreTrainedModel, PreTrainedTokenizerBase

from physics_lm import progress
from physics_lm.data import mask_token, tokenizers
from physics_lm.data.encoding import Array, EncodedAnswers
from physics_lm.data.ragged import Ids, pad
from physics_lm.inference import forward
from physics_lm.inference.forward import Expected
from physics_lm.models import direction
from physics_lm.objectives import masked


@dataclass(frozen=True)
class Score:
    """One answer: the argmax at its tokens as text, tokens and right tokens, and the gold's log-probability.

    prediction: each token after the gold's before it, so that a wrong one is not what would be written.
    confidence: the probability of the most likely first token, right or wrong.
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
    model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase, asked: EncodedAnswers, batch: int, title: str = "probe"
) -> list[Score]:
    """Return the score of every answer, in order, in fp32; `batch` sequences a forward pass."""
    model.eval()
    if direction.both_ways(model):
        asked = asked.apart()
    found: dict[int, Score] = {}
    by_length = np.argsort(asked.sequences.lengths, kind="stable")
    parts = np.array_split(by_length, max(1, -(-len(by_length) // batch)))
    for part in progress.over(parts, title, "batch"):
        found.update(_forward(model, tokenizer, asked, part))
    return [found[number] for number in range(len(asked.sequence))]


def _forward(
    model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase, asked: EncodedAnswers, part: Array
) -> dict[int, Score]:
    """Score the answers of some sequences; returns them by answer number."""
    ids_BxT = pad(asked.sequences, part, tokenizer.eos_token_id)
    (argmax_BxT, logprob_BxT, most_BxT), back = _looked(model, tokenizer, asked, part, ids_BxT)
    first, last = (np.searchsorted(asked.sequence, part, side) for side in ("left", "right"))
    row, number = _ranges(first, last)
    if not len(number):
        return {}
    answer, place = _ranges(asked.start[number], asked.stop[number])
    said, gold = argmax_BxT[row[answer], place - back], ids_BxT[row[answer], place]
    bounds = np.searchsorted(answer, np.arange(len(number) + 1))
    tokens = np.diff(bounds).tolist()
    right = np.bincount(answer[said == gold], minlength=len(number)).tolist()
    logprob = np.bincount(answer, logprob_BxT[row[answer], place - back], len(number)).tolist()
    most = most_BxT[row, asked.start[number] - back].tolist()
    texts = tokenizers.decode(tokenizer, [part.tolist() for part in np.split(said, bounds[1:-1])])
    scores = (Score(text.strip(), *rest) for text, *rest in zip(texts, tokens, right, logprob, most, strict=True))
    return dict(zip(number.tolist(), scores, strict=True))


def _ranges(start: Array, stop: Array) -> tuple[Array, Array]:
    """Return every number of R ranges one after the other, and before it which range each is of."""
    lengths = stop - start
    which = np.repeat(np.arange(len(start)), lengths)
    return which, np.arange(len(which)) + np.repeat(start - np.cumsum(lengths) + lengths, lengths)


def _looked(
    model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase, asked: EncodedAnswers, part: Array, ids_BxT: Ids
) -> tuple[Expected, int]:
    """Return what a model makes of the tokens, and how far before a token stands what it makes of it.

    Nothing is asked of the last token, the end, so that an entry as long as the context still fits.
    """
    inputs_BxT = torch.from_numpy(ids_BxT).long().to(next(model.parameters()).device)
    if not direction.both_ways(model):
        return forward.expect(model, inputs_BxT), 1
    inputs_BxT = inputs_BxT[:, : model.config.max_position_embeddings]
    place = torch.arange(inputs_BxT.shape[1], device=inputs_BxT.device)
    start, stop = (torch.from_numpy(x[part, None]).to(inputs_BxT.device) for x in (asked.start, asked.stop))
    seen_BxT = inputs_BxT.masked_fill((place >= start) & (place < stop), mask_token.mask_id(tokenizer))
    seen = masked.shown(inputs_BxT, tokenizer.eos_token_id)
    logits_BxTxV = model(input_ids=seen_BxT, attention_mask=seen, use_cache=False).logits
    return forward.expected(logits_BxTxV, inputs_BxT), 0
