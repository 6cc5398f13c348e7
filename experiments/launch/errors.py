"""How a command ends on an error: in one line where the user can mend it, with a traceback where the code is wrong."""

import sys
from collections.abc import Callable
from errno import ENOSPC
from typing import TypeVar

from data_gen.errors import AuditError, ConfigError, PoolError, TemplateError
from experiments.launch.config import as_choice
from experiments.launch.hydra_messages import hydra_message
from physics_lm.training import distributed

Result = TypeVar("Result")
USER_ERRORS = (ConfigError, AuditError, PoolError, TemplateError)
USER_ERROR_NAMES = ("DivergedError", "SchemaError")  # compared by name, since their modules are slow to import


def first_line(error: BaseException) -> str:
    """Return an error's class and the first line of its message."""
    return f"{error.__class__.__name__}: {error}".splitlines()[0]


def user_message(error: BaseException) -> str | None:
    """Return the one line that explains an error the user can mend, or None for a defect of the code."""
    name = error.__class__.__name__
    if isinstance(error, USER_ERRORS) or name in USER_ERROR_NAMES:
        return str(error)
    if isinstance(error, OSError) and error.errno == ENOSPC:
        file = error.filename or "while writing"
        return f"the disk is full ({file}); what was complete is kept: free space, run again"
    if isinstance(error, MemoryError) or name == "OutOfMemoryError" or "can't allocate memory" in str(error):
        batches = "pretrain.batch, finetune.batch or probe.batch"
        return f"out of memory: lower {batches}, lower hydra.launcher.n_jobs or raise hydra.launcher.memory_gb"
    return hydra_message(error, [as_choice(word) for word in sys.argv[1:]])


def _is_interrupt(error: BaseException | None) -> bool:
    """Return whether an error is an interrupt, or was raised by a library's cleanup during one (OmegaConf does so)."""
    return error is not None and (isinstance(error, KeyboardInterrupt) or _is_interrupt(error.__context__))


def exit_on_error(work: Callable[[], Result]) -> Result:
    """Return what `work` returns; exit with one line and status 2 on an error that the user can mend.

    An interrupt exits with status 130. All other errors are raised.
    """
    try:
        return work()
    except (KeyboardInterrupt, Exception) as error:
        if _is_interrupt(error):
            print("stopped: the same command goes on from here", file=sys.stderr)
            sys.exit(130)
        message = user_message(error)
        if message is None:
            raise
        if distributed.rank() == 0:
            print(f"error: {message}", file=sys.stderr)
        sys.exit(2)
