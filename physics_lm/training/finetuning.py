"""Fine-tuning: on the answers to P_train's questions, or on the sentences of facts."""

from pathlib import Path
from typing import Any

from transformers import PreTrainedTokenizerBase

from data_gen.config import QuestionConfig
from data_gen.questions.question import SPLITS
from physics_lm import checkpoints, device, methods, objectives
from physics_lm.config.training import FinetuneConfig
from physics_lm.data import encoding, tokenizers
from physics_lm.data.batches import QuestionBatches
from physics_lm.store.artifacts import Spec
from physics_lm.subject import Subject
from physics_lm.tracking import Tracker
from physics_lm.training import train_model
from physics_lm.training.loop import Batches


def on_questions(
    subject: Subject,
    base: Spec,
    settings: FinetuneConfig,
    questions: QuestionConfig,
    folder: Path,
    state: Path,
    tracker: Tracker,
) -> dict[str, Any]:
    """Fine-tune the model `base` on P_train's answers; return what the manifest adds."""
    everything = [question for split in SPLITS for question in subject.questions(split, questions)]
    tokenizer = tokenizers.load(subject.store.folder(base))
    tokenizer = encoding.extend(tokenizer, everything, questions, subject.config.pretrain.context)
    objective = objectives.load("finetune", settings)
    tokenizer = objective.extend(tokenizer)
    encoded = encoding.encode(tokenizer, subject.questions("train", questions))
    mask_id = objective.answer_mask(tokenizer)
    seed, end = subject.config.seed, tokenizer.eos_token_id
    batches = QuestionBatches(encoded.sequences, encoded.start, settings.batch, seed, end, mask_id)
    title = f"finetune {subject.config.corpus.name}"
    return _finetune(subject, base, settings, tokenizer, batches, title, folder, state, tracker)


def on_facts(
    subject: Subject, base: Spec, settings: FinetuneConfig, folder: Path, state: Path, tracker: Tracker
) -> dict[str, Any]:
    """Fine-tune the model `base` on every token of the facts' sentences; return what the manifest adds."""
    tokenizer = subject.fact_data.extend(tokenizers.load(subject.store.folder(base)))
    tokenizer = objectives.load("finetune", settings).extend(tokenizer)
    batches = subject.fact_data.batches(tokenizer, settings.batch)
    title = f"finetune {subject.config.facts.kind}"
    return _finetune(subject, base, settings, tokenizer, batches, title, folder, state, tracker)


def _finetune(
    subject: Subject,
    base: Spec,
    settings: FinetuneConfig,
    tokenizer: PreTrainedTokenizerBase,
    batches: Batches,
    title: str,
    folder: Path,
    state: Path,
    tracker: Tracker,
) -> dict[str, Any]:
    seed = subject.config.seed
    model = checkpoints.widen(checkpoints.load(subject.store.folder(base)), len(tokenizer), seed)
    method = methods.load("finetune", settings)
    model = method.attach(model.to(device.default_device()), settings, seed)
    return train_model.train(
        subject, model, tokenizer, batches, settings, title, folder, state, tracker, finish=method.finish
    )
