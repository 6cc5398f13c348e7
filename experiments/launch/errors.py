"""TODO experiments.launch.errors."""

import sys
from collections.abc import Callable
from errno import ENOSPC
from typing import TypeVar

from data_gen.errors import AuditError, ConfigError, PoolError, TemplateError
from physics_lm.training import distributed

Result = TypeVar("Result")


REFUSALS = (ConfigError, AuditError, PoolError, TemplateError)
NAMED = ("DivergedError", "SchemaError")  # known by name, since their modules are slow to import


def explain(error: BaseException) -> str | None:
    """Return the one line that explains an error a user can mend, or None for a defect of ours."""
    if isinstance(error, REFUSALS):
        return str(error)
    if isinstance(error, OSError) and error.errno == ENOSPC:
        return (
            f"the disk is full ({error.filename or 'while writing'}); what was complete is kept: free space, run again"
        )
    memory = isinstance(error, MemoryError) or error.__class__.__name__ == "OutOfMemoryError"
    if memory or "can't allocate memory" in str(error):
        return "out of memory: lower the batch or hydra.launcher.n_jobs, or raise hydra.launcher.memory_gb"
    if error.__class__.__name__ in NAMED:
        return str(error)
    return None


def _interrupted(error: BaseException | None) -> bool:
    """Whether it is an interrupt, or what a library made of one that came while it was cleaning up (OmegaConf does)."""
    return error is not None and (isinstance(error, KeyboardInterrupt) or _interrupted(error.__context__))


def guarded(work: Callable[[], Result]) -> Result:
    """Do the work; an error that a user can mend ends the process with one line and status 2, an interrupt with 130."""
    try:
        return work()
    except (KeyboardInterrupt, Exception) as error:
        if _interrupted(error):
            print("stopped: the same command goes on from here", file=sys.stderr)
            sys.exit(130)
        line = explain(error)
        if line is None:
            raise
        if distributed.rank() == 0:
            print(f"error: {line}", file=sys.stderr)
        sys.exit(2)
