"""Train a model and leave its checkpoint: weights, tokenizer and loss curve in one folder."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import torch
from transformers import PreTrainedModel, PreTrainedTokenizerBase

from physics_lm.config.training import TrainConfig
from physics_lm.environment import describe
from physics_lm.kernels import compiling
from physics_lm.methods import lora
from physics_lm.objectives import causality, masked
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
    stage: str,
    name: str,
    folder: Path,
    state: Path,
    tracker: Tracker,
    callback: Callable[[int], None] | None = None,
) -> dict[str, Any]:
    """Train a model, merge its adapters if it has any, and save it; return what the manifest adds.

    stage: pretrain or finetune. name: of what it learns from, for the progress bar. state: a folder from which a killed
    training resumes. callback: see `Training`.
    """
    torch.manual_seed(subject.config.seed)  # seeds dropout; a resumed training restores its saved generator state
    compiling.set_cache_dir(subject.store.lab)
    model = causality.set_objective(model, settings.objective)
    causal = settings.objective == "causal"
    loss = None if causal else masked.build(settings, tokenizer, subject.config.seed)
    training = Training(model, batches, settings, state, loss, callback)
    training.listener = tracker.log
    curve = stack.train(training, f"{stage} {name}", stage)
    trained = sum(parameter.numel() for parameter in model.parameters() if parameter.requires_grad)
    model = lora.merge(model)
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    pd.DataFrame(curve).to_parquet(folder / "curve.parquet", index=False)
    return {
        **describe(),
        "processes": distributed.size(),
        "precision": training.precision,
        "compiled": training.compiled,
        "parameters": sum(parameter.numel() for parameter in model.parameters()),
        "trained": trained,
        "resumed_at": training.resumed_at,
        "stacked": training.stack_size,
        **training.throughput.summary,
    }
