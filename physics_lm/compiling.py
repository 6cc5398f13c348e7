"""torch.compile where it pays: long trainings on a GPU. Without a compiler a training goes on uncompiled, and says so.

On two CPU cores it gains less than it costs (docs/benchmarks.md), so that there it is only done when asked for.
"""

import logging
import os
from pathlib import Path

import torch

from physics_lm import quick, together
from physics_lm.config import TrainConfig
from physics_lm.masked import Loss

log = logging.getLogger(__name__)
CACHE = "compiled"  # in the lab: what was compiled once is read from there
LONG = 500  # steps after which compiling has paid


def keep(lab: Path) -> None:
    """Keep in the lab what is compiled, unless the user keeps it elsewhere."""
    os.environ.setdefault("TORCHINDUCTOR_CACHE_DIR", str(lab.resolve() / CACHE))


def wanted(config: TrainConfig, where: torch.device) -> bool:
    """Whether a training's loss is to be compiled; those of jobs that meet are stacked instead."""
    if config.compile != "auto":
        return config.compile == "always"
    return where.type == "cuda" and config.steps >= LONG and not together.among()


def compiled(where: torch.device) -> tuple[Loss, str]:
    """Return a loss compiled, and `yes`; or the loss as it is, and why it could not be compiled.

    The whole loss: the hidden states compiled alone, with the head by hand, have gradients of nan in bf16 on a CPU.
    """
    try:
        torch.compile(torch.sin)(torch.ones(8, device=where))
    except Exception as error:  # no compiler, or none that works: whatever it raises
        why = f"no: {error.__class__.__name__}: {error}".splitlines()[0]
        log.warning("compile: %s; training goes on uncompiled", why)
        return quick.loss_of, why
    return torch.compile(quick.plain_loss), "yes"
