"""What the launchers' processes run: it loads what jobs need, once, and does each in a copy of itself."""

import contextlib
import importlib
import os
import pickle
import resource
import sys
import threading
from pathlib import Path
from typing import Any

import cloudpickle

LOADED = ("experiments.launch.jobs", "physics_lm.steps")  # takes as long as many a job


def main() -> None:
    """Do what comes in, each in a copy of this process; tell how each ended to the file whose number is given."""
    told = int(sys.argv[1])
    if not has_gpu():  # a GPU that was asked for anything cannot be used in a copy
        for name in LOADED:
            importlib.import_module(name)
    while work := _next():
        process = os.fork()
        if not process:
            os.close(told)
            return _do(work)
        _, status, usage = os.wait4(process, 0)
        with contextlib.suppress(BrokenPipeError):  # the launcher was killed: nobody hears
            os.write(told, pickle.dumps((os.waitstatus_to_exitcode(status), usage.ru_maxrss)))


def _next() -> bytes:
    """Return the next work, or nothing where no more will come."""
    size = _read(8)
    return _read(int.from_bytes(size, "big")) if size else b""


def _read(size: int) -> bytes:
    parts = []
    while size and (part := os.read(0, size)):
        parts.append(part)
        size -= len(part)
    return b"" if size else b"".join(parts)


def _do(work: bytes) -> None:
    """Do one work; write statuses and return values to the file that it names."""
    threading.Thread(target=_end_with_launcher, daemon=True).start()
    limits, jobs, answer = pickle.loads(work)
    _limit(limits)
    told = [(done.status.name, _readable(done._return_value)) for done in jobs()]
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
    main()
