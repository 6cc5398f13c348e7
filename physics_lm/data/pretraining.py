"""What a model reads in pretraining: the entries as token ids, windows of them, and of questions where they mix."""

import logging
from functools import cached_property
from itertools import islice
from typing import TYPE_CHECKING

import numpy as np
from transformers import PreTrainedTokenizerBase

from data_gen import audit
from data_gen.corpus import dataset
from data_gen.errors import ConfigError
from physics_lm import device
from physics_lm.data import mask_token, ragged, tokenizers
from physics_lm.data import windows as token_windows
from physics_lm.data.entry_tokens import CHECKED, EntryAssembler, entry_assembler
from physics_lm.data.entry_tokens_gpu import GpuEntryAssembler, RaggedOnDevice, gpu_entry_assembler

if TYPE_CHECKING:
    from physics_lm.steps import Job

log = logging.getLogger(__name__)


class PretrainingData:
    """The token ids and the batches of one job's pretraining."""

    def __init__(self, job: "Job") -> None:
        """Remember whose; nothing is read."""
        self._job, self._config = job, job.config

    @cached_property
    def vocabulary(self) -> PreTrainedTokenizerBase:
        """The corpus's tokenizer, with what questions, facts and the objective add to it."""
        job, settings = self._job, self._config.pretrain
        asked = job.extended(job.specs.tokenizer, self._config.questions)  # refuses what is too long to be asked
        vocabulary = asked if settings.question_share else job.vocabulary
        if settings.facts:
            vocabulary = job.telling.extend(vocabulary)
        return mask_token.extend(vocabulary, settings.objective)

    @cached_property
    def _assembler(self) -> EntryAssembler | None:
        """What lays entries from parts that are tokenised once, where that is the same as tokenising their text."""
        job = self._job
        elsewhere = self._config.corpus.kind == "folder" or self._config.beside.kind != "none"
        if job.specs.rewrite or elsewhere or self._config.pretrain.facts:
            return None
        told = list(islice(dataset.read(job.store.folder(job.specs.corpus)), CHECKED))
        size = int(job.store.manifest(job.specs.corpus)["entries"])
        return entry_assembler(job.world, self._config.corpus, job.vocabulary, told, size)

    @cached_property
    def _first(self) -> ragged.Ragged:
        """The ids of the first epoch, and of every other where the corpus is not fresh."""
        return self._epoch(0)

    @cached_property
    def _drawing(self) -> GpuEntryAssembler | None:
        """What draws fresh entries on the GPU, where the model is there."""
        there = device.device()
        return gpu_entry_assembler(self._assembler, there) if self._assembler and there.type == "cuda" else None

    def ids(self, epoch: int) -> ragged.Ragged | RaggedOnDevice:
        """Return what is read in an epoch as token ids, in the order in which it was told."""
        if not (self._config.corpus.fresh and epoch):
            return self._first
        return self._drawing.epoch(epoch) if self._drawing else self._epoch(epoch)

    def _epoch(self, epoch: int) -> ragged.Ragged:
        if self._assembler:
            return self._assembler.epoch(epoch).sequences
        entries = self._job.told(epoch) if epoch else self._job.entries
        ids = tokenizers.ids(self.vocabulary, [entry.text for entry in entries])
        if self._config.pretrain.facts:
            ids = ids + self._job.telling.ids(self.vocabulary)
        return ragged.join(ids, self.vocabulary.eos_token_id)

    def batches(self) -> token_windows.WindowBatches:
        """Return the batches; raises ConfigError where an entry does not fit into the context."""
        settings, seed = self._config.pretrain, self._config.seed
        longest = int(self._first.lengths.max())
        if settings.context < longest:
            raise ConfigError(f"pretrain.context={settings.context}: the longest entry has {longest} tokens; raise it")
        entries = token_windows.Windows(self.ids, settings.context, seed, settings.shuffle)
        questions = cloze = None
        if settings.question_share:
            questions = self._questions(None)
            if (mask := mask_token.hiding_id(self.vocabulary, settings.objective)) is not None:
                cloze = self._questions(mask)
        return token_windows.WindowBatches(entries, questions, settings.question_share, settings.batch, seed, cloze)

    def _questions(self, hide: int | None) -> token_windows.Windows:
        """Return windows of P_train's questions, their answers hidden behind the id `hide` where there is one."""
        asked = self._job.asked(self._config.questions, "train")
        ids = tokenizers.ids(self.vocabulary, [question.text for question in asked])
        if hide is not None:
            heads = tokenizers.ids(self.vocabulary, [question.prompt for question in asked])
            ids = [[*head, *[hide] * (len(whole) - len(head))] for head, whole in zip(heads, ids, strict=True)]
        packed = ragged.join(ids, self.vocabulary.eos_token_id)
        return token_windows.Windows(lambda _: packed, self._config.pretrain.context, self._config.seed + 1)

    def repeats(self) -> dict[str, float]:
        """Return how often a window holds a person twice; raises AuditError where entries are not well shuffled."""
        settings, seed, ids = self._config.pretrain, self._config.seed, self._first
        person = np.array([entry.person_id for entry in self._job.entries], np.int64)
        nobody = min(0, int(person.min())) - 1 - np.arange(len(ids) - len(person))  # facts are no people
        person = np.concatenate([person, nobody])
        orders = [ragged.epoch_order(len(ids), seed, n, settings.shuffle) for n in range(5)]
        found = audit.repeats(person, ids.lengths, orders, settings.context)
        if settings.shuffle:
            audit.check_repeats(found)
        else:
            log.warning("pretrain.shuffle=false: %.1f%% of windows hold a person twice", 100 * found.observed)
        return {"observed": found.observed, "uniform": found.uniform, "windows": found.windows}

    def exposures(self, batches: token_windows.WindowBatches) -> float:
        """Return how often a person is read about, on average: passes over the entries, times a person's."""
        told = self._job.store.manifest(self._job.specs.corpus)
        windows = self._config.pretrain.steps * batches.batch * (1 - batches.share)
        shown: float = windows / batches.entries.per_epoch * told["entries"] / max(1, told["people"])
        return round(shown, 2)
