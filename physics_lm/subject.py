"""A run in execution: its config, specs and store, and its data and models, loaded on first use."""

from collections.abc import Iterable
from functools import cached_property
from itertools import chain as joined
from pathlib import Path
from typing import TYPE_CHECKING

from data_gen import questions
from data_gen.config import QuestionConfig
from data_gen.corpus import beside
from data_gen.people import world
from data_gen.people.world import World
from data_gen.questions.question import Question
from physics_lm.config.run import RunConfig
from physics_lm.store.artifacts import Store
from physics_lm.store.chain import Chain

if TYPE_CHECKING:
    from transformers import PreTrainedModel, PreTrainedTokenizerBase

    from data_gen.biographies.biography import Biography
    from physics_lm.data.fact_tokens import FactData
    from physics_lm.inference.reader import Reader


class Subject:
    """One run: its people, entries, questions and facts, and the models and tokenizers that its stages have made."""

    def __init__(self, config: RunConfig, chain: Chain, store: Store) -> None:
        """Remember the run; nothing is loaded. chain: the specs of its stages. store: where their outputs lie."""
        self.config, self.chain, self.store = config, chain, store
        self._questions: dict[tuple[QuestionConfig, str], list[Question]] = {}

    def folder(self, stage: str) -> Path:
        """Return where a stage's output lies."""
        return self.store.folder(self.chain[stage])

    @cached_property
    def world(self) -> World:
        """The run's people."""
        return world.make(self.config.world, self.config.seed)

    @cached_property
    def celebrities(self) -> World | None:
        """The people whom the corpus tells of besides the run's own, if any (Part 3.1, section 4.3)."""
        return beside.make_people(self.config.beside, self.config.world, self.config.seed)

    @property
    def worlds(self) -> list[World]:
        """Everybody whom entries tell of: the run's own people, and the celebrities."""
        return [self.world] if self.celebrities is None else [self.world, self.celebrities]

    def questions(self, split: str, config: QuestionConfig | None = None) -> list[Question]:
        """Return the questions about a split (`train`, `held` or `test`), the run's own unless a config is given.

        With celebrities, `train` and `held` questions are about them only; `test` questions are about P_test of the
        run's own people.
        """
        key = (config or self.config.questions, split)
        if key not in self._questions:
            people = self.world if split == "test" else self.worlds[-1]
            self._questions[key] = questions.generate(people, *key)
        return self._questions[key]

    def epoch_entries(self, epoch: int = 0) -> "Iterable[Biography]":
        """Return one epoch's original entries, before any rewriting, and then the auxiliary ones."""
        from data_gen.biographies import recipes, rendering
        from data_gen.corpus import from_folder

        config = self.config
        more = beside.entries(config.beside, self.celebrities, config.corpus, config.seed, epoch)
        if config.corpus.kind == "folder":
            return joined(from_folder.read(config.corpus.path, self.world), more)
        drawn = recipes.draw(self.world, config.corpus, epoch)
        return joined(rendering.render(self.world, config.corpus, drawn), more)

    @cached_property
    def entries(self) -> "list[Biography]":
        """The entries of the first epoch as the model reads them: those of the corpus, or of its rewriting."""
        from data_gen.corpus import storage

        return list(storage.read(self.store.folder(self.chain.entries)))

    @cached_property
    def own_entries(self) -> "list[Biography]":
        """The entries that tell of the run's own people."""
        return [entry for entry in self.entries if self.world.has_person(entry.person_id)]

    @cached_property
    def fact_data(self) -> "FactData":
        """The run's facts, and their sentences as token ids."""
        from physics_lm.data.fact_tokens import FactData

        return FactData(self.config)

    @cached_property
    def corpus_tokenizer(self) -> "PreTrainedTokenizerBase":
        """The tokenizer that was trained on the corpus."""
        from physics_lm.data import tokenizers

        return tokenizers.load(self.store.folder(self.chain.tokenizer))

    @cached_property
    def tokenizer(self) -> "PreTrainedTokenizerBase":
        """The model's tokenizer: the corpus's, with the tokens added for questions, facts and masks."""
        from physics_lm.data import tokenizers

        return tokenizers.load(self.store.folder(self.chain.model))

    @cached_property
    def model(self) -> "PreTrainedModel":
        """The model after its last training, in fp32 on the device."""
        from physics_lm import checkpoints, device

        return checkpoints.load(self.store.folder(self.chain.model)).to(device.default_device())

    @cached_property
    def reader(self) -> "Reader":
        """The model as probes ask it, `probe.batch` rows at a time."""
        from physics_lm.inference.reader import Reader

        return Reader(self.model, self.tokenizer, self.config.probe.batch)

    def checkpoint(self, stage: str) -> "tuple[PreTrainedModel, PreTrainedTokenizerBase]":
        """Return the model that a stage made, in fp32 on the CPU, and its tokenizer."""
        from physics_lm import checkpoints
        from physics_lm.data import tokenizers

        return checkpoints.load(self.folder(stage)), tokenizers.load(self.folder(stage))
