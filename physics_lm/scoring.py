"""One-pass exact match: the answer is right where the argmax is right at each of its tokens.

With the stop token in the gold this equals greedy generation, and needs no decoding (tested).
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from transformers import PreTrainedModel, PreTrainedTokenizerBase

from physics_lm.packing import IGNORE, Ragged, Rows, ragged


@dataclass(frozen=True)
class Score:
    """One answer: the argmax at its tokens as text, tokens and right tokens, and the gold's log-probability."""

    prediction: str
    tokens: int
    tokens_correct: int
    gold_logprob: float

    @property
    def correct(self) -> bool:
        """Whether every token is right."""
        return self.tokens == self.tokens_correct


def encode(
    tokenizer: PreTrainedTokenizerBase, prompts: Sequence[str], answers: Sequence[str]
) -> tuple[Ragged, np.ndarray]:
    """Return (sequences: end token, prompt, answer, end token; (Q,) length of the part before the answer)."""
    heads = tokenizer(list(prompts), add_special_tokens=False)["input_ids"]
    tails = tokenizer(list(answers), add_special_tokens=False)["input_ids"]
    end = tokenizer.eos_token_id
    sequences = ragged([[end, *head, *tail] for head, tail in zip(heads, tails, strict=True)], end)
    return sequences, np.array([1 + len(head) for head in heads])


@torch.no_grad()
def score(
    model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase, sequences: Ragged, starts: np.ndarray, batch: int
) -> Iterator[Score]:
    """Yield the score of every sequence's answer, in order, in fp32; `starts` (Q,) is where answers begin."""
    rows = Rows(sequences, starts, batch, seed=0, pad=tokenizer.eos_token_id)
    model.eval()
    by_length = np.argsort(sequences.lengths, kind="stable")
    found: dict[int, Score] = {}
    for part in np.array_split(by_length, max(1, -(-len(by_length) // batch))):
        inputs, labels = rows.pack(part)
        scored = _forward(model, tokenizer, inputs[:, :-1], _without_end(labels, sequences.lengths[part]))
        found.update(zip(part.tolist(), scored, strict=True))
    yield from (found[number] for number in range(len(sequences)))


def _without_end(labels: np.ndarray, lengths: np.ndarray) -> np.ndarray:
    labels = labels.copy()
    labels[np.arange(len(labels)), lengths - 1] = IGNORE
    return labels[:, :-1]


def _forward(
    model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase, inputs: np.ndarray, labels: np.ndarray
) -> list[Score]:
    where = next(model.parameters()).device
    inputs_BxT = torch.from_numpy(np.ascontiguousarray(inputs)).long().to(where)
    gold_BxT = torch.from_numpy(labels).long().to(where)[:, 1:]
    logits_BxTxV = model(input_ids=inputs_BxT, use_cache=False).logits[:, :-1].float()
    asked_BxT = gold_BxT != IGNORE
    argmax_BxT = logits_BxTxV.argmax(-1)
    logprob_BxT = logits_BxTxV.log_softmax(-1).gather(-1, gold_BxT.clamp(min=0)[..., None])[..., 0]
    right = ((argmax_BxT == gold_BxT) & asked_BxT).sum(1).tolist()
    total = asked_BxT.sum(1).tolist()
    logprob = (logprob_BxT * asked_BxT).sum(1).tolist()
    texts = [tokenizer.decode(ids[mask]).strip() for ids, mask in zip(argmax_BxT, asked_BxT, strict=True)]
    return [Score(*item) for item in zip(texts, total, right, logprob, strict=True)]
