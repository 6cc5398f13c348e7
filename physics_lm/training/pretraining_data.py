"""Pretraining data of a run: windows of entries, mixed with windows of questions where `question_share` is set."""

import logging
from functools import cached_property
from itertools import islice

import numpy as np
from transformers import PreTrainedTokenizerBase

from data_gen import audit
from data_gen.config import AuxiliaryConfig
from data_gen.corpus import storage
from data_gen.errors import ConfigError
from data_gen.questions.question import SPLITS
from physics_lm import device, objectives
from physics_lm.data import encoding, ragged, tokenizers
from physics_lm.data.entry_tokens import CHECKED_ENTRIES, EntryAssembler, entry_assembler
from physics_lm.data.entry_tokens_gpu import GpuEntryAssembler, RaggedOnDevice, gpu_entry_assembler
from physics_lm.data.windows import WindowBatches, Windows
from physics_lm.subject import Subject

log = logging.getLogger(__name__)


class PretrainingData:
    """The token ids and the batches of one run's pretraining."""

    def __init__(self, subject: Subject) -> None:
        """Remember the run; nothing is loaded yet."""
        self._subject, self._config = subject, subject.config

    @cached_property
    def tokenizer(self) -> PreTrainedTokenizerBase:
        """The corpus's tokenizer, extended for questions, facts and the objective."""
        subject, config, settings = self._subject, self._config, self._config.pretrain
        questions = [question for split in SPLITS for question in subject.questions(split)]
        loaded = tokenizers.load(subject.folder("tokenizer"))
        extended = encoding.extend(loaded, questions, config.questions, settings.context)  # refuses too long questions
        tokenizer = extended if settings.question_share else subject.corpus_tokenizer
        if settings.facts:
            tokenizer = subject.fact_data.extend(tokenizer)
        return objectives.load("pretrain", settings).extend(tokenizer)

    @cached_property
    def _assembler(self) -> EntryAssembler | None:
        """The assembler of entries, or None where the text of the entries must be tokenised."""
        subject, config = self._subject, self._config
        beside = isinstance(config.beside, AuxiliaryConfig)
        from_text = config.corpus.kind == "folder" or beside or config.pretrain.facts
        if from_text or subject.chain.get("rewrite"):
            return None
        first = list(islice(storage.read(subject.folder("corpus")), CHECKED_ENTRIES))
        size = int(subject.store.manifest(subject.chain["corpus"])["entries"])
        return entry_assembler(subject.world, config.corpus, subject.corpus_tokenizer, first, size)

    @cached_property
    def _gpu_assembler(self) -> GpuEntryAssembler | None:
        """The assembler of fresh entries on the GPU, if the model is trained there."""
        target = device.default_device()
        return gpu_entry_assembler(self._assembler, target) if self._assembler and target.type == "cuda" else None

    @cached_property
    def _first_epoch(self) -> ragged.Ragged:
        """The ids of the first epoch, and of every other unless the corpus is fresh."""
        return self._tokenise(0)

    def ids(self, epoch: int) -> ragged.Ragged | RaggedOnDevice:
        """Return the token ids of an epoch's entries, in the order of the corpus."""
        if not (self._config.corpus.fresh and epoch):
            return self._first_epoch
        return self._gpu_assembler.epoch(epoch) if self._gpu_assembler else self._tokenise(epoch)

    def _tokenise(self, epoch: int) -> ragged.Ragged:
        if self._assembler:
            return self._assembler.epoch(epoch).sequences
        entries = self._subject.epoch_entries(epoch) if epoch else self._subject.entries
        ids = tokenizers.ids(self.tokenizer, [entry.text for entry in entries])
        if self._config.pretrain.facts:
            ids = ids + self._subject.fact_data.ids(self.tokenizer)
        return ragged.join(ids, self.tokenizer.eos_token_id)

    def batches(self) -> WindowBatches:
        """Return the batches; raises ConfigError where an entry does not fit into the context."""
        settings, seed = self._config.pretrain, self._config.seed
        longest = int(self._first_epoch.lengths.max())
        if settings.context < longest:
            raise ConfigError(f"pretrain.context={settings.context}: the longest entry has {longest} tokens; raise it")
        entries = Windows(self.ids, settings.context, seed, settings.shuffle)
        questions = masked_questions = None
        if settings.question_share:
            questions = self._question_windows(None)
            if (mask := objectives.load("pretrain", settings).answer_mask(self.tokenizer)) is not None:
                masked_questions = self._question_windows(mask)
        return WindowBatches(entries, questions, settings.question_share, settings.batch, seed, masked_questions)

    def _question_windows(self, mask: int | None) -> Windows:
        """Return windows of P_train's questions, with the answers' tokens replaced by `mask` where it is given."""
        questions = self._subject.questions("train")
        ids = tokenizers.ids(self.tokenizer, [question.text for question in questions])
        if mask is not None:
            prompts = tokenizers.ids(self.tokenizer, [question.prompt for question in questions])
            ids = [[*prompt, *[mask] * (len(whole) - len(prompt))] for prompt, whole in zip(prompts, ids, strict=True)]
        packed = ragged.join(ids, self.tokenizer.eos_token_id)
        return Windows(lambda _: packed, self._config.pretrain.context, self._config.seed + 1)

    def audit_repeats(self) -> dict[str, float]:
        """Return the share of windows that hold a person twice; raises AuditError where entries are badly shuffled."""
        settings, seed, ids = self._config.pretrain, self._config.seed, self._first_epoch
        person = np.array([entry.person_id for entry in self._subject.entries], np.int64)
        unique = min(0, int(person.min())) - 1 - np.arange(len(ids) - len(person))  # an id for each fact: no person's
        orders = [ragged.epoch_order(len(ids), seed, n, settings.shuffle) for n in range(5)]
        repeats = audit.measure_repeats(np.concatenate([person, unique]), ids.lengths, orders, settings.context)
        if settings.shuffle:
            audit.check_repeats(repeats)
        else:
            log.warning("pretrain.shuffle=false: %.1f%% of windows hold a person twice", 100 * repeats.observed)
        return {"observed": repeats.observed, "uniform": repeats.uniform, "windows": repeats.windows}

    def exposures(self, batches: WindowBatches) -> float:
        """Return how many entries about a person the model reads on average: epochs times entries per person."""
        manifest = self._subject.store.manifest(self._subject.chain["corpus"])
        windows = self._config.pretrain.steps * batches.batch * (1 - batches.share)
        exposures: float = windows / batches.entries.per_epoch * manifest["entries"] / max(1, manifest["people"])
        return round(exposures, 2)
