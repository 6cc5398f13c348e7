"""One run on several devices: `torchrun --nproc-per-node=2 -m experiments.run ...`.

The first process makes the run's stages as usual; the others wait, and join it in each training. Every batch is divided
among the processes, so a run on any number of devices gives the same artifact.
"""

import os
from collections.abc import Callable
from datetime import timedelta
from typing import Any

from data_gen.errors import ConfigError
from physics_lm import objectives
from physics_lm.config.training import TrainConfig

TIMEOUT = timedelta(days=7)  # the other processes wait while the first one writes a corpus or evaluates
# STEP_DONE and TRAINING are sent by rank 0; WAITING is what the others pass, and is overwritten
STEP_DONE, TRAINING, WAITING = 0, 1, -1


def size() -> int:
    """Return the number of processes of this run: 1 outside torchrun."""
    return int(os.environ["WORLD_SIZE"]) if "TORCHELASTIC_RUN_ID" in os.environ else 1


def rank() -> int:
    """Return the number of this process; process 0 writes the artifacts."""
    return int(os.environ["RANK"]) if size() > 1 else 0


def start() -> None:
    """Connect to the other processes, once; does nothing outside torchrun."""
    if size() == 1:
        return
    import torch
    import torch.distributed as dist

    if dist.is_initialized():
        return
    if torch.cuda.is_available():
        torch.cuda.set_device(int(os.environ.get("LOCAL_RANK", "0")))
    dist.init_process_group("cpu:gloo,cuda:nccl" if torch.cuda.is_available() else "gloo", timeout=TIMEOUT)


def end() -> None:
    """Disconnect from the other processes."""
    if size() > 1:
        import torch.distributed as dist

        dist.destroy_process_group()


def check(name: str, config: TrainConfig) -> None:
    """Raise ConfigError where a training cannot be divided among the processes."""
    if size() > 1 and not objectives.load(name, config).SPLITS:
        raise ConfigError(f"{name}.objective={config.objective}: trained by one process only; leave torchrun out")
    if config.batch % size():
        raise ConfigError(f"{name}.batch={config.batch}: must be a multiple of the {size()} processes of torchrun")


def broadcast(signal: int) -> int:
    """Return the signal of the first process (TRAINING or STEP_DONE) in all processes."""
    if size() == 1:
        return signal
    import torch
    import torch.distributed as dist

    received = torch.tensor(signal)
    dist.broadcast(received, src=0)
    return int(received)


def join_trainings(train: Callable[[], Any]) -> None:
    """Call `train`, in the other processes, for each TRAINING that the first one broadcasts before STEP_DONE."""
    while broadcast(WAITING) == TRAINING:
        train()


def data_parallel(model: Any) -> Any:
    """Return the model wrapped so that its gradients are averaged over all processes."""
    if size() == 1:
        return model
    from torch.nn.parallel import DistributedDataParallel

    return DistributedDataParallel(model)


def local_rows(batch: Any) -> Any:
    """Return the rows of a batch that this process trains on, shape (batch / size, ...)."""
    count = len(batch) // size()
    return batch[rank() * count : (rank() + 1) * count]


def mean_over_processes(values: Any) -> Any:
    """Return the element-wise mean of a tensor over all processes."""
    if size() > 1:
        import torch.distributed as dist

        dist.all_reduce(values)
        values /= size()
    return values
