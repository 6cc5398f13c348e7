"""Train a model and leave its checkpoint: weights, tokenizer and loss curve in one folder."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import torch
from transformers import PreTrainedModel, PreTrainedTokenizerBase

from physics_lm import checkpoints, objectives
from physics_lm.config.training import TrainConfig
from physics_lm.environment import describe
from physics_lm.kernels import compiling
from physics_lm.objectives._shared import causality
from physics_lm.subject import Subject
from physics_lm.tracking import Tracker
from physics_lm.training import distributed
from physics_lm.training.loop import Batches, Training
from physics_lm.training.stacking import stack


def train(
    subject: Subject,
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerBase,
    batches: Batches,
    settings: TrainConfig,
    title: str,
    folder: Path,
    state: Path,
    tracker: Tracker,
    callback: Callable[[int], None] | None = None,
    finish: Callable[[Any], checkpoints.Trained] = checkpoints.Trained,
) -> dict[str, Any]:
    """Train a model and save it; return what the manifest adds.

    title: for the progress bar. state: a folder from which a killed training resumes. callback: see `Training`.
    finish: what a method does to the trained model before it is saved.
    """
    torch.manual_seed(subject.config.seed)  # seeds dropout; a resumed training restores its saved generator state
    compiling.set_cache_dir(subject.store.lab)
    objective = objectives.load("train", settings)
    model = causality.set_attention(model, objective.BIDIRECTIONAL)
    loss = objective.build(settings, tokenizer, subject.config.seed)
    training = Training(model, batches, settings, state, loss, callback)
    training.listener = tracker.log
    curve = stack.train(training, title)
    trained = sum(parameter.numel() for parameter in model.parameters() if parameter.requires_grad)
    done = finish(model)
    checkpoints.save(folder, done, tokenizer)
    pd.DataFrame(curve).to_parquet(folder / "curve.parquet", index=False)
    return {
        **describe(),
        "processes": distributed.size(),
        "precision": training.precision,
        "compiled": training.compiled,
        "parameters": sum(parameter.numel() for parameter in done.model.parameters()),
        "trained": trained,
        "resumed_at": training.resumed_at,
        "stacked": training.stack_size,
        **training.throughput.summary,
    }
