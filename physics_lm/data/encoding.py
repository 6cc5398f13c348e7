"""TODO physics_lm.data.encoding."""

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from transformers import PreTrainedTokenizerBase

from data_gen.biographies.biography import Biography
from data_gen.questions.question import Question
from physics_lm.data import tokenizers
from physics_lm.data.ragged import Ragged, join

Array = NDArray[np.int64]


@dataclass(frozen=True)
class EncodedAnswers:
    """Token sequences and the A answers asked in them.

    sequence: (A,) which sequence an answer stands in, ascending. start, stop: (A,) its tokens there.
    """

    sequences: Ragged
    sequence: Array
    start: Array
    stop: Array

    def apart(self) -> "EncodedAnswers":
        """Return the same answers with a copy of its sequence for each."""
        lengths = self.sequences.lengths[self.sequence]
        bounds = np.concatenate([[0], np.cumsum(lengths)])
        copies = Ragged(self.sequences.reorder(self.sequence), bounds)
        return EncodedAnswers(copies, np.arange(len(self.sequence)), self.start, self.stop)


def encode(tokenizer: PreTrainedTokenizerBase, questions: Sequence[Question]) -> EncodedAnswers:
    """Return the questions as sequences `end, prompt, told, end`, and where what is told stands."""
    heads = tokenizers.ids(tokenizer, [question.prompt for question in questions])
    tails = tokenizers.ids(tokenizer, [question.told for question in questions])
    end = tokenizer.eos_token_id
    sequences = join([[end, *head, *tail] for head, tail in zip(heads, tails, strict=True)], end)
    start = np.array([1 + len(head) for head in heads], np.int64)
    return EncodedAnswers(sequences, np.arange(len(heads)), start, sequences.lengths - 1)


def encode_entries(tokenizer: PreTrainedTokenizerBase, entries: Sequence[Biography]) -> EncodedAnswers:
    """Return the entries as sequences `end, text, end`, and where their values stand (A = all spans)."""
    end = tokenizer.eos_token_id
    ids, places = [], []
    for number, (entry, encoded) in enumerate(
        zip(entries, tokenizers.encode(tokenizer, [e.text for e in entries]), strict=True)
    ):
        ids.append([end, *encoded.ids])
        stops = [stop for _, stop in encoded.offsets]  # the space before a value is its first token's, or is one
        told = [(len(entry.text[: span.start].rstrip()), span.end) for span in entry.spans]
        places += [(number, *(1 + bisect_right(stops, place) for place in pair)) for pair in told]
    sequence, start, stop = np.array(places, np.int64).reshape(-1, 3).T
    return EncodedAnswers(join(ids, end), sequence, start, stop)
