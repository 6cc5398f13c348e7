"""Facts as token ids: what a model reads of them in fine-tuning, or among biographies in pretraining."""

from functools import cached_property

import numpy as np
from transformers import PreTrainedTokenizerBase

from data_gen import facts
from data_gen.facts import cures
from data_gen.facts.fact import Facts
from physics_lm.config.run import RunConfig
from physics_lm.data import batches, ragged, tokenizers


class FactData:
    """The facts of a run, the texts that tell them, and those that a cure adds."""

    def __init__(self, config: RunConfig) -> None:
        """Remember whose facts; they are made when they are needed."""
        self._config = config

    @cached_property
    def facts(self) -> Facts:
        """The facts, what tells them and what is asked about them."""
        return facts.make(self._config.facts, self._config.world.pools, self._config.seed)

    @cached_property
    def added(self) -> list[str]:
        """The texts that a cure adds."""
        return cures.added(self._config.facts, self.facts, self._config.seed)

    def extend(self, vocabulary: PreTrainedTokenizerBase) -> PreTrainedTokenizerBase:
        """Return the tokenizer with the words of the facts that it lacks."""
        return tokenizers.extend(vocabulary, [*self.facts.texts, *self.added])

    def ids(self, vocabulary: PreTrainedTokenizerBase) -> list[list[int]]:
        """Return the token ids of the sentences told, and of what a cure adds to them."""
        texts = [sentence.text for sentence in self.facts.told] + self.added
        ids = tokenizers.ids(vocabulary, texts)
        return ids + ([cures.tokens(row) for row in ids] if self._config.facts.cure == "token" else [])

    def rows(self, vocabulary: PreTrainedTokenizerBase, batch: int) -> batches.QuestionBatches:
        """Return batches of single sentences, each between end tokens; every token is learned."""
        end = vocabulary.eos_token_id
        sequences = ragged.join([[end, *ids] for ids in self.ids(vocabulary)], end)
        return batches.QuestionBatches(sequences, np.ones(len(sequences), np.int64), batch, self._config.seed, end)
