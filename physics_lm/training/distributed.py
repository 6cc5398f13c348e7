"""One run on several devices: `torchrun --nproc-per-node=2 -m experiments.run ...`.

The first process makes the run's steps as ever; the others wait, and join it where something is trained. A
batch is divided among them, so that the same run on any number of devices is the same artifact.
"""

import os
from collections.abc import Callable
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from data_gen.errors import ConfigError
from physics_lm.config.training import TrainConfig

if TYPE_CHECKING:
    import torch

WAIT = timedelta(days=7)  # the others wait while the first writes a corpus or asks its questions
JOIN, DONE = 1, 0


def size() -> int:
    """Return the number of processes of this run: 1 outside torchrun."""
    return int(os.environ["WORLD_SIZE"]) if "TORCHELASTIC_RUN_ID" in os.environ else 1


def rank() -> int:
    """Return the number of this process, 0 for the one that writes."""
    return int(os.environ["RANK"]) if size() > 1 else 0


def start() -> None:
    """Meet the other processes, once; does nothing outside torchrun."""
    if size() == 1:
        return
    import torch
    import torch.distributed as dist

    if dist.is_initialized():
        return
    if torch.cuda.is_available():
        torch.cuda.set_device(int(os.environ.get("LOCAL_RANK", "0")))
    dist.init_process_group("cpu:gloo,cuda:nccl" if torch.cuda.is_available() else "gloo", timeout=WAIT)


def end() -> None:
    """Part from the other processes."""
    if size() > 1:
        import torch.distributed as dist

        dist.destroy_process_group()


def check(name: str, config: TrainConfig) -> None:
    """Raise ConfigError where a training cannot be divided among the processes."""
    if size() > 1 and config.objective != "causal":
        raise ConfigError(f"{name}.objective={config.objective}: trained by one process only; leave torchrun out")
    if config.batch % size():
        raise ConfigError(
            f"{name}.batch={config.batch}: must be a multiple of the {size()} processes that torchrun started"
        )


def call() -> None:
    """Tell the others, from the first process, that a model is to be trained together."""
    _say(JOIN)


def done() -> None:
    """Tell the others, from the first process, that a step is made."""
    _say(DONE)


def follow(join: Callable[[], Any]) -> None:
    """Wait until the first process has made a step, and join it where it calls."""
    while _say(None) == JOIN:
        join()


def _say(word: int | None) -> int:
    if size() == 1:
        return DONE
    import torch
    import torch.distributed as dist

    said = torch.tensor(-1 if word is None else word)
    dist.broadcast(said, src=0)
    return int(said)


def wrapped(model: Any) -> Any:
    """Return the model whose gradients are averaged over all processes."""
    if size() == 1:
        return model
    from torch.nn.parallel import DistributedDataParallel

    return DistributedDataParallel(model)


def share(rows: Any) -> Any:
    """Return this process's part of a batch, shape (batch / size, ...)."""
    part = len(rows) // size()
    return rows[rank() * part : (rank() + 1) * part]


def mean(values: "torch.Tensor") -> "torch.Tensor":
    """Return the values' mean over all processes."""
    if size() > 1:
        import torch.distributed as dist

        dist.all_reduce(values)
        values /= size()
    return values
