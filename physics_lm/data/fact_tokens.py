"""Facts as token ids, for fine-tuning or to be mixed into the pretraining entries."""

from functools import cached_property

import numpy as np
from transformers import PreTrainedTokenizerBase

from data_gen import facts
from data_gen.config import ToldFactsConfig
from data_gen.facts import cures
from data_gen.facts.fact import Facts
from physics_lm.config.run import RunConfig
from physics_lm.data import ragged, tokenizers
from physics_lm.data.batches import QuestionBatches


class FactData:
    """A run's facts, their training sentences, and the texts that a cure adds."""

    def __init__(self, config: RunConfig) -> None:
        """Remember the config, which must have facts; they are made on first use."""
        assert isinstance(config.facts, ToldFactsConfig)
        self._config, self._facts = config, config.facts

    @cached_property
    def facts(self) -> Facts:
        """The facts, their training sentences and their questions."""
        return facts.make(self._facts, self._config.world.pools, self._config.seed)

    @cached_property
    def added_texts(self) -> list[str]:
        """The texts that a cure adds."""
        return cures.added_texts(self._facts, self.facts, self._config.seed)

    def extend(self, tokenizer: PreTrainedTokenizerBase) -> PreTrainedTokenizerBase:
        """Return the tokenizer extended by the words of the facts that it lacks."""
        return tokenizers.extend(tokenizer, [*self.facts.texts, *self.added_texts])

    def ids(self, tokenizer: PreTrainedTokenizerBase) -> list[list[int]]:
        """Return the token ids of the training sentences and of what a cure adds."""
        texts = [sentence.text for sentence in self.facts.training] + self.added_texts
        ids = tokenizers.ids(tokenizer, texts)
        return ids + ([cures.reverse_tokens(row) for row in ids] if self._facts.cure == "token" else [])

    def batches(self, tokenizer: PreTrainedTokenizerBase, batch: int) -> QuestionBatches:
        """Return batches of single sentences, each between end tokens, with the loss on every token."""
        end = tokenizer.eos_token_id
        sequences = ragged.join([[end, *ids] for ids in self.ids(tokenizer)], end)
        return QuestionBatches(sequences, np.ones(len(sequences), np.int64), batch, self._config.seed, end)
