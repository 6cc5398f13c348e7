"""What each step of the pipeline computes. Everything heavy is imported here."""

import logging
import os
import platform
from collections.abc import Callable, Mapping
from functools import cache, cached_property
from pathlib import Path
from typing import Any

import datasets
import numpy as np
import pandas as pd
import torch
import transformers
from transformers import AutoModelForCausalLM, PreTrainedModel, PreTrainedTokenizerBase

from data_gen import audit, biographies, corpus, questions, world
from data_gen.attributes import NAMES
from data_gen.biographies import Biography
from data_gen.config import ConfigError
from data_gen.questions import Question
from physics_lm import models, packing, scoring, tokenizers, training
from physics_lm.artifacts import Spec, Store
from physics_lm.pipeline import Plan, RunConfig, columns
from physics_lm.probes import probe
from physics_lm.training import Training

log = logging.getLogger(__name__)
transformers.utils.logging.disable_progress_bar()
SPLITS = ("train", "test")
AUDITED = 2000  # entries and questions whose token boundaries are looked at


def run(config: RunConfig, specs: Plan, store: Store) -> Path:
    """Make every missing artifact of a run; return the folder of the probe's rows."""
    job = Job(config, specs, store)
    makers: dict[str, Callable[[Path, Path], Mapping[str, Any]]] = {
        "corpus": job.corpus,
        "tokenizer": job.tokenizer,
        "pretrain": job.pretrain,
        "finetune": job.finetune,
        "probe": job.probe,
    }
    folder = store.lab
    for step in specs.steps:
        folder = store.make(step, makers[step.step])
    return folder


def machine() -> dict[str, Any]:
    """Return what a result was reached on: device, threads, versions."""
    where = training.device()
    name = torch.cuda.get_device_name() if where.type == "cuda" else platform.processor() or platform.machine()
    return {
        "device": f"{where.type}: {name}",
        "threads": torch.get_num_threads(),
        "cores": os.cpu_count(),
        "versions": {
            "python": platform.python_version(),
            "torch": torch.__version__,
            "transformers": transformers.__version__,
            "datasets": datasets.__version__,
        },
    }


class Job:
    """One run: each method fills an artifact's folder and returns what the manifest adds."""

    def __init__(self, config: RunConfig, specs: Plan, store: Store) -> None:
        """Remember what to make; nothing is computed."""
        self.config, self.specs, self.store = config, specs, store

    @cached_property
    def world(self) -> world.World:
        """The run's world."""
        return world.make(self.config.world, self.config.seed)

    @cache  # noqa: B019 - a job lives as long as its process
    def questions(self, family: str, split: str) -> list[Question]:
        """Return one family's questions about everyone of a split (`train` or `test`)."""
        return list(questions.family(family).questions(self.world, split))

    @cached_property
    def entries(self) -> list[Biography]:
        """The entries of the corpus artifact."""
        return list(corpus.read(self.store.folder(self.specs.corpus)))

    @cached_property
    def vocabulary(self) -> PreTrainedTokenizerBase:
        """The tokenizer of the tokenizer artifact."""
        return tokenizers.load(self.store.folder(self.specs.tokenizer))

    @cached_property
    def model(self) -> PreTrainedModel:
        """The trained model that is probed, on the device."""
        return self._load(self.specs.model).to(training.device())

    def _load(self, step: Spec) -> PreTrainedModel:
        return AutoModelForCausalLM.from_pretrained(self.store.folder(step), dtype=torch.float32)

    def corpus(self, folder: Path, state: Path) -> Mapping[str, Any]:
        """Write the corpus, refused where its spans do not hold the world's values."""
        recipes = biographies.draw(self.world, self.config.corpus)
        entries = list(biographies.render(self.world, self.config.corpus, recipes))
        audit.check_spans(entries, self.world, NAMES)
        train, test = ({q.person for q in self.questions(self.config.finetune.family, split)} for split in SPLITS)
        audit.check_disjoint(train, test, "questions")
        corpus.write(entries, folder, self.world, self.config.corpus)
        return {"entries": len(entries), "people": len(self.world)}

    def tokenizer(self, folder: Path, state: Path) -> Mapping[str, Any]:
        """Train the tokenizer on all entries and questions, refused where a value's tokens are unstable."""
        asked = [question for split in SPLITS for question in self.questions("extraction", split)]
        texts = [entry.text for entry in self.entries] + [question.prompt for question in asked]
        if self.config.tokenizer.kind == "word":
            texts += biographies.lexicon(self.world, self.config.corpus)
        trained = tokenizers.train(self.config.tokenizer, texts)
        tokens = tokenizers.tokens(trained)
        audit.check_boundaries(self.entries[:AUDITED], asked[:AUDITED], tokens)
        table = audit.check_classes(self.world, NAMES, tokens)
        trained.save_pretrained(folder)
        return {"vocabulary": len(trained), "classes": table}

    def _ids(self, epoch: int) -> packing.Ragged:
        entries = self.entries
        if self.config.corpus.fresh and epoch:
            recipes = biographies.draw(self.world, self.config.corpus, epoch)
            entries = list(biographies.render(self.world, self.config.corpus, recipes))
        ids = self.vocabulary([e.text for e in entries], add_special_tokens=False)["input_ids"]
        return packing.ragged(ids, self.vocabulary.eos_token_id)

    def _mixture(self) -> packing.Mixture:
        settings, first = self.config.pretrain, self._ids(0)
        longest = int(first.lengths.max())
        if settings.context < longest:
            raise ConfigError(f"pretrain.context={settings.context}: the longest entry has {longest} tokens; raise it")
        fresh = self.config.corpus.fresh
        entries = packing.Windows(
            lambda epoch: self._ids(epoch) if fresh else first, settings.context, self.config.seed, settings.shuffle
        )
        questions = None
        if settings.question_share:
            texts = [question.text for question in self.questions("extraction", "train")]
            asked = self.vocabulary(texts, add_special_tokens=False)["input_ids"]
            packed = packing.ragged(asked, self.vocabulary.eos_token_id)
            questions = packing.Windows(lambda _: packed, settings.context, self.config.seed + 1)
        return packing.Mixture(entries, questions, settings.question_share, settings.batch, self.config.seed)

    def _audit_windows(self) -> dict[str, float]:
        settings, ids = self.config.pretrain, self._ids(0)
        person = np.array([entry.person_id for entry in self.entries], np.int64)
        orders = [packing.epoch_order(len(ids), self.config.seed, n, settings.shuffle) for n in range(5)]
        found = audit.repeats(person, ids.lengths, orders, settings.context)
        if settings.shuffle:
            audit.check_repeats(found)
        else:
            log.warning("pretrain.shuffle=false: %.1f%% of windows hold a person twice", 100 * found.observed)
        return {"observed": found.observed, "uniform": found.uniform, "windows": found.windows}

    def pretrain(self, folder: Path, state: Path) -> Mapping[str, Any]:
        """Pretrain a model on windows of entries, or of entries and questions of P_train."""
        repeats = self._audit_windows()
        size = -(-len(self.vocabulary) // 64) * 64
        model = models.build(self.config.model, size, self.vocabulary.eos_token_id, self.config.seed)
        batches = self._mixture()
        done = self._train(model, batches, self.config.pretrain, folder, state, f"pretrain {self.config.corpus.name}")
        return {
            **done,
            "repeats": repeats,
            "tokens": self.config.pretrain.steps * batches.batch * self.config.pretrain.context,
        }

    def finetune(self, folder: Path, state: Path) -> Mapping[str, Any]:
        """Fine-tune all weights on the answers to P_train's questions."""
        settings = self.config.finetune
        asked = scoring.encode(self.vocabulary, self.questions(settings.family, "train"))
        rows = packing.Rows(
            asked.sequences, asked.start, settings.batch, self.config.seed, self.vocabulary.eos_token_id
        )
        model = self._load(self.specs.pretrain)
        return self._train(model, rows, settings, folder, state, f"finetune {self.config.corpus.name}")

    def _train(
        self, model: PreTrainedModel, batches: Any, settings: Any, folder: Path, state: Path, title: str
    ) -> dict[str, Any]:
        loop = Training(model, batches, settings, state)
        curve = loop.run(title)
        model.save_pretrained(folder)
        self.vocabulary.save_pretrained(folder)
        pd.DataFrame(curve).to_parquet(folder / "curve.parquet", index=False)
        return {
            **machine(),
            "precision": loop.kind,
            "parameters": sum(p.numel() for p in model.parameters()),
            "resumed_at": loop.resumed_at,
        }

    def probe(self, folder: Path, state: Path) -> Mapping[str, Any]:
        """Measure the trained model: a row per item, with the run's key and settings as columns."""
        found = probe(self.config.probe.kind).rows(self)
        settings = pd.DataFrame([columns(self.config)] * len(found))
        rows = pd.concat([found, settings], axis=1)
        rows.insert(0, "run", self.specs.probe.key)
        rows.to_parquet(folder / "rows.parquet", index=False)
        return {**machine(), "rows": len(rows)}
