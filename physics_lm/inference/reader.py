"""A model as probes ask it: its answers, the likelihoods of given answers, and what it would write."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from transformers import Cache, PreTrainedModel, PreTrainedTokenizerBase

from data_gen.biographies.biography import Biography
from data_gen.questions.question import Question
from physics_lm.data import encoding
from physics_lm.data.encoding import EncodedAnswers
from physics_lm.inference import answer_logprobs, exact_match, generation
from physics_lm.inference.exact_match import Score
from physics_lm.objectives._shared import causality

SPARE_TOKENS = 4  # by which a generated answer may exceed the longest gold


@dataclass(frozen=True)
class Reader:
    """A model and its tokenizer. batch: rows per forward pass.

    make_cache: returns a new key-value cache for each batch of `write`; None for transformers' own, which keeps all.
    """

    model: PreTrainedModel
    tokenizer: PreTrainedTokenizerBase
    batch: int
    make_cache: Callable[[], Cache] | None = None

    def encode(self, questions: Sequence[Question]) -> EncodedAnswers:
        """Return questions as token sequences with their answers' places."""
        return encoding.encode(self.tokenizer, questions)

    def score(self, encoded: EncodedAnswers) -> list[Score]:
        """Return the score of each given answer, in one forward pass (see `exact_match.score`)."""
        return exact_match.score(self.model, self.tokenizer, encoded, self.batch)

    def score_entries(self, entries: Sequence[Biography]) -> list[Score]:
        """Return the score of each value in each entry, given the text before it."""
        return self.score(encoding.encode_entries(self.tokenizer, entries))

    def answer(self, questions: Sequence[Question]) -> list[Score]:
        """Return the scores of the questions; the prediction of a wrong one is what the model writes (greedy, in fp32).

        One pass under teacher forcing tells right from wrong, but not what the model would write. A bidirectional
        model predicts all tokens of an answer at once, so its prediction is final.
        """
        scores = self.score(self.encode(questions))
        if causality.is_bidirectional(self.model):
            return scores
        wrong = [number for number, score in enumerate(scores) if not score.correct]
        longest = max((scores[number].tokens for number in wrong), default=0)
        texts = self.write([questions[number].prompt for number in wrong], longest)
        for number, text in zip(wrong, texts, strict=True):
            scores[number] = replace(scores[number], prediction=text)
        return scores

    def write(self, prompts: Sequence[str], longest: int) -> list[str]:
        """Return what the model writes after each prompt, greedily. longest: the tokens of the longest gold answer."""
        tokens = longest + SPARE_TOKENS
        return generation.generate(self.model, self.tokenizer, prompts, tokens, self.batch, self.make_cache)

    def log_probabilities(self, prompts: Sequence[str], answers: Sequence[str]) -> NDArray[np.float64]:
        """Return the log-probability of every answer after every prompt, (P, A), in nats."""
        return answer_logprobs.log_probabilities(self.model, self.tokenizer, prompts, answers)
