"""What each step of the pipeline computes. Everything heavy is imported here."""

import logging
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from functools import cache, cached_property
from itertools import chain
from pathlib import Path
from typing import Any

import pandas as pd
import torch
import transformers
from transformers import AutoModelForCausalLM, PreTrainedModel, PreTrainedTokenizerBase

from data_gen import audit, facts, questions
from data_gen.biographies import recipes as entry_recipes
from data_gen.biographies import rendering
from data_gen.biographies.biography import Biography
from data_gen.config import QuestionConfig
from data_gen.corpus import auxiliary, dataset
from data_gen.corpus.from_folder import read
from data_gen.errors import ConfigError
from data_gen.people import world
from data_gen.people.attributes import NAMES
from data_gen.people.world import World
from data_gen.questions.question import SPLITS, Question
from physics_lm import device
from physics_lm.config.columns import settings_columns
from physics_lm.config.probe import LINEAR
from physics_lm.config.run import RunConfig
from physics_lm.config.training import FinetuneConfig, TrainConfig
from physics_lm.data import batches, compact, encoding, mask_token, tokenizers
from physics_lm.data.fact_tokens import FactData
from physics_lm.data.pretraining import PretrainingData
from physics_lm.environment import describe
from physics_lm.inference import rewriting
from physics_lm.kernels import compiling
from physics_lm.methods import lora
from physics_lm.models import checkpoints, direction, registry
from physics_lm.objectives import masked
from physics_lm.plan import Plan
from physics_lm.probes import probe
from physics_lm.store.artifacts import Spec, Store
from physics_lm.tracking import Tracker
from physics_lm.training import distributed, evaluation
from physics_lm.training import loop as training_loop
from physics_lm.training.loop import Training
from physics_lm.training.stacking import stack

log = logging.getLogger(__name__)
transformers.utils.logging.disable_progress_bar()
AUDITED = 2000  # entries and questions whose token boundaries are looked at


class Job:
    """One run: each method fills an artifact's folder and returns what the manifest adds."""

    def __init__(self, config: RunConfig, specs: Plan, store: Store, tracker: Tracker | None = None) -> None:
        """Remember what to make; nothing is computed. state: where the probe in work keeps what it needs to go on."""
        self.state: Path | None = None
        self.config, self.specs, self.store, self.tracker = config, specs, store, tracker or Tracker()

    @cached_property
    def world(self) -> World:
        """The run's world."""
        return world.make(self.config.world, self.config.seed)

    @cached_property
    def others(self) -> World | None:
        """The celebrities, where there are any."""
        return auxiliary.make(self.config.beside, self.config.world, self.config.seed)

    @property
    def worlds(self) -> list[World]:
        """The worlds that entries tell of: the run's own, and the celebrities'."""
        return [self.world] if self.others is None else [self.world, self.others]

    @cache  # noqa: B019 - a job lives as long as its process
    def asked(self, config: QuestionConfig, split: str) -> list[Question]:
        """Return the questions of a config about everyone of a split (`train`, `held` or `test`).

        Where there are celebrities they alone are trained on, and the world's own P_test alone is tested.
        """
        return questions.ask(self.world if split == "test" else self.worlds[-1], config, split)

    @cached_property
    def entries(self) -> list[Biography]:
        """The entries that are read: those of the corpus, or of its rewriting."""
        return list(dataset.read(self.store.folder(self.specs.read)))

    @cached_property
    def own(self) -> list[Biography]:
        """The entries that tell of the run's world."""
        return [entry for entry in self.entries if self.world.knows(entry.person_id)]

    @cached_property
    def telling(self) -> FactData:
        """The run's facts, and how they are told."""
        return FactData(self.config)

    @cached_property
    def vocabulary(self) -> PreTrainedTokenizerBase:
        """The tokenizer of the corpus."""
        return tokenizers.load(self.store.folder(self.specs.tokenizer))

    @cached_property
    def model(self) -> PreTrainedModel:
        """The trained model that is probed, on the device."""
        return self._load(self.specs.model).to(device.device())

    @cached_property
    def model_vocabulary(self) -> PreTrainedTokenizerBase:
        """The tokenizer of the trained model: the corpus's, and what fine-tuning added."""
        return tokenizers.load(self.store.folder(self.specs.model))

    def pretrained(self) -> tuple[PreTrainedModel, PreTrainedTokenizerBase]:
        """Return the model before any fine-tuning, and its tokenizer."""
        return self._load(self.specs.pretrain), tokenizers.load(self.store.folder(self.specs.pretrain))

    def _load(self, step: Spec) -> PreTrainedModel:
        return AutoModelForCausalLM.from_pretrained(self.store.folder(step), dtype=torch.float32)

    def corpus(self, folder: Path, state: Path) -> Mapping[str, Any]:
        """Write the corpus, refused where its spans do not hold the world's values."""
        entries = list(self.told())
        audit.check_spans([entry for entry in entries if entry.person_id > auxiliary.NOBODY], self.worlds, NAMES)
        train, held, test = ({q.person for q in self.asked(self.config.questions, split)} for split in SPLITS)
        audit.check_disjoint(train | held, test, "questions")
        audit.check_disjoint(train, held, "questions")
        dataset.write(entries, folder, self.world, replace(self.config.corpus, path=""), self.config.beside)
        people = {entry.person_id for entry in entries if entry.person_id > auxiliary.NOBODY}
        told = [(entry.person_id, entry.text) for entry in entries] if self.config.corpus.kind == "folder" else []
        if same := len(told) - len(set(told)):
            log.warning("corpus: %d of %d texts stand there twice, word for word", same, len(told))
        if left := len(self.world) - sum(map(self.world.knows, people)):
            log.warning("corpus: %d of %d people are told of nowhere, and asked about", left, len(self.world))
        return {"entries": len(entries), "people": len(people)}

    def told(self, epoch: int = 0) -> Iterable[Biography]:
        """Return the entries of one epoch, read from a folder or told by the templates, and what is read beside."""
        config = self.config
        more = auxiliary.entries(config.beside, self.others, config.corpus, config.seed, epoch)
        if config.corpus.kind == "folder":
            return chain(read(config.corpus.path, self.world), more)
        recipes = entry_recipes.draw(self.world, config.corpus, epoch)
        return chain(rendering.render(self.world, config.corpus, recipes), more)

    def rewrite(self, folder: Path, state: Path) -> Mapping[str, Any]:
        """Let a local instruct model write every entry anew; refused where no text can be used."""
        model, vocabulary = rewriting.load(self.config.rewrite)
        told = list(dataset.read(self.store.folder(self.specs.corpus)))
        where: Any = device.device()
        entries = rewriting.rewrite(model.to(where), vocabulary, told, self.world, self.config.rewrite, state)
        if not entries:
            raise ConfigError(
                f"rewrite.path={self.config.rewrite.path}: in none of its texts do the name and all six values "
                "stand; choose another model, or raise rewrite.tries or rewrite.tokens"
            )
        left = len({entry.person_id for entry in told} - {entry.person_id for entry in entries})
        log.warning("rewrite: %d of %d entries kept, %d people are told of nowhere", len(entries), len(told), left)
        dataset.write(entries, folder, self.world, replace(self.config.corpus, path=""))
        return {**describe(), "entries": len(entries), "of": len(told), "people_left_out": left}

    def facts(self, folder: Path, state: Path) -> Mapping[str, Any]:
        """Write the facts' sentences and questions, and the texts that a cure adds."""
        told = self.telling.facts
        facts.write(told, folder)
        (folder / "added.txt").write_text("".join(f"{text}\n" for text in self.telling.added), encoding="utf-8")
        return {"facts": len(told.facts), "told": len(told.told), "added": len(self.telling.added)}

    def tokenizer(self, folder: Path, state: Path) -> Mapping[str, Any]:
        """Train the tokenizer on all entries and questions, refused where a value's tokens are unstable."""
        asked = [question for split in SPLITS for question in self.asked(QuestionConfig(), split)]
        texts = [entry.text for entry in self.entries] + [question.prompt for question in asked]
        settings = self.config.tokenizer
        if settings.kind == "word" or settings.compact:
            texts += rendering.lexicon(self.world, self.config.corpus)
        trained = tokenizers.train(settings, texts)
        if settings.compact:
            trained.save_pretrained(folder / compact.ORIGINAL)
            trained = compact.compact(trained, texts)
        tokens = tokenizers.tokens(trained)
        audit.check_boundaries(self.entries[:AUDITED], asked[:AUDITED], tokens, trained.unk_token)
        table = audit.check_classes(self.world, NAMES, tokens)
        trained.save_pretrained(folder)
        return {"vocabulary": len(trained), "classes": table}

    def pretrain(self, folder: Path, state: Path) -> Mapping[str, Any]:
        """Pretrain a model on windows of entries, or of entries and questions of P_train."""
        reading = PretrainingData(self)
        repeats, vocabulary = reading.repeats(), reading.vocabulary
        model = registry.build(self.config.model, len(vocabulary), vocabulary.eos_token_id, self.config.seed)
        if (room := model.config.max_position_embeddings) < self.config.pretrain.context:
            raise ConfigError(f"pretrain.context={self.config.pretrain.context}: the model has {room} positions")
        batches = reading.batches()
        title = f"pretrain {self.config.corpus.name}"
        asks = self.config.pretrain.eval_every and not distributed.rank()  # one process asks for all
        watch = evaluation.evaluations(self, model, vocabulary, state) if asks else None
        done = self._train(model, vocabulary, batches, self.config.pretrain, folder, state, title, watch)
        if watch:
            watch.collect().to_parquet(folder / evaluation.EVALS, index=False)
        return {
            **done,
            "repeats": repeats,
            "tokens": self.config.pretrain.steps * batches.batch * self.config.pretrain.context,
            "exposures": reading.exposures(batches),
        }

    def prior(self, folder: Path, state: Path) -> Mapping[str, Any]:
        """Fine-tune on extraction questions before the fine-tuning that is measured."""
        return self._finetune(self.config.prior, QuestionConfig(), self.specs.pretrain, folder, state)

    def finetune(self, folder: Path, state: Path) -> Mapping[str, Any]:
        """Fine-tune on the answers to P_train's questions, or on the facts where pretraining has not read them."""
        base = self.specs.prior or self.specs.pretrain
        told = bool(self.specs.facts) and not self.config.pretrain.facts
        return self._finetune(self.config.finetune, self.config.questions, base, folder, state, told)

    def _finetune(
        self, settings: FinetuneConfig, asked: QuestionConfig, base: Spec, folder: Path, state: Path, told: bool = False
    ) -> dict[str, Any]:
        vocabulary = (
            self.telling.extend(tokenizers.load(self.store.folder(base))) if told else self.extended(base, asked)
        )
        vocabulary = mask_token.extend(vocabulary, settings.objective)
        model = checkpoints.widen(self._load(base), len(vocabulary), self.config.seed)
        if settings.method == "lora":
            model = lora.adapt(model.to(device.device()), settings.rank, settings.embedding_rank, self.config.seed)
        rows = self.telling.rows(vocabulary, settings.batch) if told else self._rows(settings, asked, vocabulary)
        title = f"finetune {self.config.facts.kind if told else self.config.corpus.name}"
        return self._train(model, vocabulary, rows, settings, folder, state, title)

    def _rows(
        self, settings: FinetuneConfig, asked: QuestionConfig, vocabulary: PreTrainedTokenizerBase
    ) -> batches.QuestionBatches:
        encoded, hide = (
            encoding.encode(vocabulary, self.asked(asked, "train")),
            mask_token.hiding_id(vocabulary, settings.objective),
        )
        return batches.QuestionBatches(
            encoded.sequences, encoded.start, settings.batch, self.config.seed, vocabulary.eos_token_id, hide
        )

    def extended(self, base: Spec, asked: QuestionConfig) -> PreTrainedTokenizerBase:
        """Return the tokenizer saved with an artifact and the words that questions add to it.

        Raises ConfigError where a question, with its hint and answer, is longer than the model's context.
        """
        found = [question for split in SPLITS for question in self.asked(asked, split)]
        vocabulary = tokenizers.extend(tokenizers.load(self.store.folder(base)), [question.text for question in found])
        longest = int(encoding.encode(vocabulary, found).sequences.lengths.max())
        if longest > self.config.pretrain.context:
            raise ConfigError(
                f"questions.hint={asked.hint}: the longest question of {asked.family} takes {longest} tokens with its "
                f"hint and answer, and pretrain.context={self.config.pretrain.context}; raise the context, or choose "
                "other questions.tasks"
            )
        return vocabulary

    def _train(
        self,
        model: PreTrainedModel,
        vocabulary: PreTrainedTokenizerBase,
        batches: training_loop.Batches,
        settings: TrainConfig,
        folder: Path,
        state: Path,
        title: str,
        watch: Callable[[int], None] | None = None,
    ) -> dict[str, Any]:
        torch.manual_seed(self.config.seed)  # dropout's; a saved state brings its own
        compiling.keep(self.store.lab)
        model = direction.attend(model, settings.objective)
        loss = None if settings.objective == "causal" else masked.objective(settings, vocabulary, self.config.seed)
        loop = Training(model, batches, settings, state, loss, watch)
        loop.told = self.tracker.log
        curve = stack.run(loop, title, title.split()[0])
        trained = sum(p.numel() for p in model.parameters() if p.requires_grad)
        model = lora.merged(model)
        model.save_pretrained(folder)
        vocabulary.save_pretrained(folder)
        pd.DataFrame(curve).to_parquet(folder / "curve.parquet", index=False)
        return {
            **describe(),
            "processes": distributed.size(),
            "precision": loop.kind,
            "compiled": loop.compiled,
            "parameters": sum(p.numel() for p in model.parameters()),
            "trained": trained,
            "resumed_at": loop.resumed_at,
            "stacked": loop.stacked,
            **loop.pace.told,
        }

    def probe(self, folder: Path, state: Path) -> Mapping[str, Any]:
        """Measure the trained model: a row per item, with the run's key and settings as columns."""
        self.state = state
        found = probe(self.config.probe.kind).rows(self)
        loaded = checkpoints.shape(self.model) if self.config.model.kind == "checkpoint" else {}
        told = {**settings_columns(self.config), **{f"model.{name}": size for name, size in loaded.items()}}
        settings = pd.DataFrame([told]).iloc[[0] * len(found)].reset_index(drop=True)
        rows = pd.concat([found, settings], axis=1)
        rows.insert(0, "run", self.specs.probe.key)
        rows.to_parquet(folder / "rows.parquet", index=False)
        learned = self.config.probe.kind in LINEAR
        kind = {"precision": device.precision(self.config.probe.precision, device.device())} if learned else {}
        return {**describe(), **kind, "rows": len(rows)}
