"""torch.compile for long trainings on a GPU; without a working compiler a training continues uncompiled.

On one thread of a CPU, which is what a job of a sweep has, compiling gains nothing (docs/lab-log.md). So on a CPU the
loss is compiled only with `compile=always`.
"""

import logging
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import torch

from physics_lm import job_scheduler
from physics_lm.config.training import PretrainConfig, TrainConfig

log = logging.getLogger(__name__)
CACHE = "compiled"  # folder of the lab that holds the compiler's cache
MIN_STEPS = 500  # a training of fewer steps does not make up for the time that compiling takes
MAX_SHAPES = 64  # that one process may compile a function for
Loss = TypeVar("Loss", bound=Callable[..., Any])


def set_cache_dir(lab: Path) -> None:
    """Keep the compiler's cache in the lab, unless the user has set another folder."""
    os.environ.setdefault("TORCHINDUCTOR_CACHE_DIR", str(lab.resolve() / CACHE))


def is_enabled(config: TrainConfig, device: torch.device) -> bool:
    """Return whether to compile the loss of a single training; jobs that are stacked are compiled as a stack."""
    if config.compile != "auto":
        return config.compile == "always"
    return is_worthwhile(config, device) and not job_scheduler.in_job()


def is_worthwhile(config: TrainConfig, device: torch.device) -> bool:
    """Return whether compiling saves time: a long pretraining on a GPU. Batches of questions vary in shape."""
    long = isinstance(config, PretrainConfig) and config.steps >= MIN_STEPS
    return config.compile != "never" and device.type == "cuda" and long


def compile_or_fall_back(function: Loss, fallback: Loss, device: torch.device) -> tuple[Loss, str]:
    """Return the function compiled, and `yes`; or the fallback, and why nothing can be compiled."""
    try:
        torch.compile(torch.sin)(torch.ones(8, device=device))
    except Exception as error:  # a missing or broken compiler raises errors of many types
        why = f"no: {error.__class__.__name__}: {error}".splitlines()[0]
        log.warning("compile: %s; training goes on uncompiled", why)
        return fallback, why
    return compile_per_shape(function), "yes"


def compile_per_shape(function: Callable[..., Any]) -> Any:
    """Return a function compiled anew for every input shape, because vmap does not support dynamic shapes."""
    torch._dynamo.config.recompile_limit = max(MAX_SHAPES, torch._dynamo.config.recompile_limit)
    return torch.compile(function, dynamic=False)
