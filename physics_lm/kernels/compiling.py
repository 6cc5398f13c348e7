"""torch.compile where it pays: long trainings on a GPU. Without a compiler a training goes on uncompiled, and says so.

On one thread of a CPU, as the jobs of a sweep have it, it gains nothing (docs/lab-log.md): there only when asked for.
"""

import logging
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import torch

from physics_lm import concurrency
from physics_lm.config.training import PretrainConfig, TrainConfig

log = logging.getLogger(__name__)
CACHE = "compiled"  # in the lab: what was compiled once is read from there
LONG = 500  # steps after which compiling has paid
SHAPES = 64  # that one process may compile for
Loss = TypeVar("Loss", bound=Callable[..., Any])


def keep(lab: Path) -> None:
    """Keep in the lab what is compiled, unless the user keeps it elsewhere."""
    os.environ.setdefault("TORCHINDUCTOR_CACHE_DIR", str(lab.resolve() / CACHE))


def wanted(config: TrainConfig, where: torch.device) -> bool:
    """Whether a training's loss is to be compiled; jobs that meet are compiled as a stack instead (`pays`)."""
    if config.compile != "auto":
        return config.compile == "always"
    return pays(config, where) and not concurrency.among()


def pays(config: TrainConfig, where: torch.device) -> bool:
    """Whether compiling is worth its time: for many steps of one shape on a GPU. A batch of questions has any shape."""
    long = isinstance(config, PretrainConfig) and config.steps >= LONG
    return config.compile != "never" and where.type == "cuda" and long


def compiled(whole: Loss, plain: Loss, where: torch.device) -> tuple[Loss, str]:
    """Return the whole loss compiled, and `yes`; or the plain one, and why it could not be compiled."""
    try:
        torch.compile(torch.sin)(torch.ones(8, device=where))
    except Exception as error:  # no compiler, or none that works: whatever it raises
        why = f"no: {error.__class__.__name__}: {error}".splitlines()[0]
        log.warning("compile: %s; training goes on uncompiled", why)
        return plain, why
    return faster(whole), "yes"


def faster(what: Callable[..., Any]) -> Any:
    """Return a function compiled, for every shape anew: vmap knows no others."""
    torch._dynamo.config.recompile_limit = max(SHAPES, torch._dynamo.config.recompile_limit)
    return torch.compile(what, dynamic=False)
