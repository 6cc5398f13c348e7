"""Pretraining: a model built or loaded, trained on windows, evaluated meanwhile where that is asked for."""

from pathlib import Path
from typing import Any

from data_gen.errors import ConfigError
from physics_lm import models
from physics_lm.subject import Subject
from physics_lm.tracking import Tracker
from physics_lm.training import distributed, evaluation, train_model
from physics_lm.training.pretraining_data import PretrainingData


def pretrain(subject: Subject, folder: Path, state: Path, tracker: Tracker) -> dict[str, Any]:
    """Write the pretrained model into `folder`; return what the manifest adds.

    Raises ConfigError where an entry, a question or the context is too long, AuditError where entries are not shuffled.
    """
    config, settings = subject.config, subject.config.pretrain
    data = PretrainingData(subject)
    repeats, tokenizer = data.audit_repeats(), data.tokenizer
    model = models.build(config.model, len(tokenizer), tokenizer.eos_token_id, config.seed)
    if (positions := model.config.max_position_embeddings) < settings.context:
        raise ConfigError(f"pretrain.context={settings.context}: the model has {positions} positions")
    batches = data.batches()
    evaluates = settings.eval_every and not distributed.rank()  # one process evaluates for all
    callback = evaluation.build_evaluator(subject, model, tokenizer, state) if evaluates else None
    title = f"pretrain {config.corpus.name}"
    manifest = train_model.train(subject, model, tokenizer, batches, settings, title, folder, state, tracker, callback)
    if callback:
        callback.collect().to_parquet(folder / evaluation.EVALS, index=False)
    tokens = settings.steps * batches.batch * settings.context
    return {**manifest, "repeats": repeats, "tokens": tokens, "exposures": data.exposures(batches)}
