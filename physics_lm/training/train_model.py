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
from physics_lm.models import causality
from physics_lm.objectives import masked
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
) -> dict[str, Any]:
    """Train a model, merge its adapters if it has any, and save it; return what the manifest adds.

    title: begins with the stage's name. state: a folder from which a killed training resumes. callback: see
    `Training`.
    """
    torch.manual_seed(subject.config.seed)  # dropout draws from it; a saved state brings its own
    compiling.set_cache_dir(subject.store.lab)
    model = causality.set_objective(model, settings.objective)
    causal = settings.objective == "causal"
    loss = None if causal else masked.build(settings, tokenizer, subject.config.seed)
    loop = Training(model, batches, settings, state, loss, callback)
    loop.listener = tracker.log
    curve = stack.train(loop, title, title.split()[0])
    trained = sum(parameter.numel() for parameter in model.parameters() if parameter.requires_grad)
    model = lora.merge(model)
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    pd.DataFrame(curve).to_parquet(folder / "curve.parquet", index=False)
    return {
        **describe(),
        "processes": distributed.size(),
        "precision": loop.precision,
        "compiled": loop.compiled,
        "parameters": sum(parameter.numel() for parameter in model.parameters()),
        "trained": trained,
        "resumed_at": loop.resumed_at,
        "stacked": loop.stack_size,
        **loop.throughput.summary,
    }
