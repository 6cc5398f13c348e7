"""The process of one job or several: reads its work, does it, and ends at once when its launcher does."""

import os
import pickle
import resource
import sys
import threading
from pathlib import Path
from typing import Any

import cloudpickle


def main() -> None:
    """Do the work that stands on the input; write statuses and return values to the file named on the command line."""
    limits, work = pickle.load(sys.stdin.buffer)
    threading.Thread(target=_end_with_launcher, daemon=True).start()
    _limit(limits)
    told = [(done.status.name, _readable(done._return_value)) for done in work()]
    answer = Path(sys.argv[1])
    aside = answer.with_suffix(".tmp")
    aside.write_bytes(cloudpickle.dumps(told))
    os.replace(aside, answer)


def _readable(value: Any) -> Any:
    """Return an error as one of a class that every process can read, and all else as it is."""
    return RuntimeError(f"{value.__class__.__name__}: {value}") if isinstance(value, BaseException) else value


def _end_with_launcher() -> None:
    """Wait for the end of the input: the launcher is gone, and the job goes on when it is started again."""
    while os.read(0, 1024):
        pass
    os._exit(143)


def has_gpu() -> bool:
    """Whether the machine has a GPU, told without torch."""
    return Path("/dev/nvidiactl").exists()


def _limit(limits: dict[str, Any]) -> None:
    if limits["memory_gb"]:
        most = int(limits["memory_gb"] * 2**30)
        resource.setrlimit(resource.RLIMIT_DATA, (most, most))
    if not has_gpu():
        return
    import torch

    if gpus := torch.cuda.device_count():
        gpu = limits["slot"] % gpus
        beside = -(-limits["at_once"] // gpus)  # jobs on the fullest GPU
        torch.cuda.set_device(gpu)
        torch.cuda.set_per_process_memory_fraction(limits["gpu_share"] or 1 / beside, gpu)


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:  # meant for the launcher, which says what is to be said
        os._exit(130)
