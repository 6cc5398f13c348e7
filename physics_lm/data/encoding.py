"""Questions and entries as token sequences, with the token spans of their answers and values."""

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from transformers import PreTrainedTokenizerBase

from data_gen.biographies.biography import Biography
from data_gen.config import QuestionConfig
from data_gen.errors import ConfigError
from data_gen.questions.question import Question
from physics_lm.data import tokenizers
from physics_lm.data.ragged import Ragged, join

Array = NDArray[np.int64]


@dataclass(frozen=True)
class EncodedAnswers:
    """Token sequences and the A answers within them.

    sequence_index: (A,) of the sequence that holds an answer, ascending. start, stop: (A,) the answer's tokens in it.
    """

    sequences: Ragged
    sequence_index: Array
    start: Array
    stop: Array

    def one_per_sequence(self) -> "EncodedAnswers":
        """Return the same answers, each in a copy of its sequence."""
        copies = self.sequences.select(self.sequence_index)
        return EncodedAnswers(copies, np.arange(len(self.sequence_index)), self.start, self.stop)


def encode(tokenizer: PreTrainedTokenizerBase, questions: Sequence[Question]) -> EncodedAnswers:
    """Return the questions as sequences `end, prompt, completion, end`; the answers are the completions."""
    prompts = tokenizers.ids(tokenizer, [question.prompt for question in questions])
    completions = tokenizers.ids(tokenizer, [question.completion for question in questions])
    end = tokenizer.eos_token_id
    sequences = join([[end, *head, *tail] for head, tail in zip(prompts, completions, strict=True)], end)
    start = np.array([1 + len(prompt) for prompt in prompts], np.int64)
    return EncodedAnswers(sequences, np.arange(len(prompts)), start, sequences.lengths - 1)


def encode_entries(tokenizer: PreTrainedTokenizerBase, entries: Sequence[Biography]) -> EncodedAnswers:
    """Return the entries as sequences `end, text, end`; the answers are the values (A = all spans)."""
    end = tokenizer.eos_token_id
    ids, answers = [], []
    encodings = tokenizers.encode(tokenizer, [entry.text for entry in entries])
    for number, (entry, encoded) in enumerate(zip(entries, encodings, strict=True)):
        ids.append([end, *encoded.ids])
        stops = [stop for _, stop in encoded.offsets]
        # the space before a value belongs to its first token, or is a token of its own
        spans = [(len(entry.text[: span.start].rstrip()), span.end) for span in entry.spans]
        answers += [(number, *(1 + bisect_right(stops, bound) for bound in span)) for span in spans]
    sequence_index, start, stop = np.array(answers, np.int64).reshape(-1, 3).T
    return EncodedAnswers(join(ids, end), sequence_index, start, stop)


def extend(
    tokenizer: PreTrainedTokenizerBase, questions: Sequence[Question], config: QuestionConfig, context: int
) -> PreTrainedTokenizerBase:
    """Return the tokenizer extended by the words of the questions.

    Raises ConfigError where a question, with its hint and answer, is longer than the context.
    """
    tokenizer = tokenizers.extend(tokenizer, [question.text for question in questions])
    longest = int(encode(tokenizer, questions).sequences.lengths.max())
    if longest > context:
        raise ConfigError(
            f"questions.hint={config.hint}: the longest question of {config.family} takes {longest} tokens with its "
            f"hint and answer, and pretrain.context={context}; raise the context, or choose other questions.tasks"
        )
    return tokenizer
