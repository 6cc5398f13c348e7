"""The process behind a launcher's worker: it imports what jobs need once, and runs each task in a fork of itself."""

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

PRELOADED = (
    "experiments.launch.sweep",
    "physics_lm.training.pretraining",
    "physics_lm.training.finetuning",
    "physics_lm.probes.extraction",
)


def main() -> None:
    """Run the tasks from standard input; report each one's exit code and peak memory to the descriptor in argv."""
    report_fd = int(sys.argv[1])
    if not has_gpu():  # CUDA, once initialized, cannot be used in a fork
        for name in PRELOADED:
            importlib.import_module(name)
    while task := _read_bytes(int.from_bytes(_read_bytes(8), "big")):
        child = os.fork()
        if not child:
            os.close(report_fd)
            return _run_task(task)
        _, status, usage = os.wait4(child, 0)
        with contextlib.suppress(BrokenPipeError):  # the launcher was killed
            os.write(report_fd, pickle.dumps((os.waitstatus_to_exitcode(status), usage.ru_maxrss)))


def _read_bytes(size: int) -> bytes:
    """Return so many bytes of standard input, or none where it ends before."""
    chunks = []
    while size and (chunk := os.read(0, size)):
        chunks.append(chunk)
        size -= len(chunk)
    return b"" if size else b"".join(chunks)


def _run_task(task: bytes) -> None:
    """Run one task; write the statuses and return values of its jobs to the file that it names."""
    threading.Thread(target=_exit_with_launcher, daemon=True).start()
    settings, run_jobs, path = pickle.loads(task)
    _apply_limits(settings)
    results = [(result.status.name, _to_picklable(result._return_value)) for result in run_jobs()]
    temporary = path.with_suffix(".tmp")
    temporary.write_bytes(cloudpickle.dumps(results))
    os.replace(temporary, path)


def _to_picklable(value: Any) -> Any:
    """Return an error as a RuntimeError, whose class every process can load, and any other value as it is."""
    return RuntimeError(f"{value.__class__.__name__}: {value}") if isinstance(value, BaseException) else value


def _exit_with_launcher() -> None:
    """Wait until standard input ends, since the launcher is gone then, and exit; a restarted sweep resumes the job."""
    while os.read(0, 1024):
        pass
    os._exit(143)


def has_gpu() -> bool:
    """Return whether the machine has an NVIDIA GPU; needs no torch."""
    return Path("/dev/nvidiactl").exists()


def _apply_limits(settings: dict[str, Any]) -> None:
    """Limit this process's memory and choose its GPU. settings: ProcessesConf's, the worker's slot and `at_once`."""
    if settings["memory_gb"]:
        limit = int(settings["memory_gb"] * 2**30)
        resource.setrlimit(resource.RLIMIT_DATA, (limit, limit))
    if not has_gpu():
        return
    import torch

    if gpus := torch.cuda.device_count():
        gpu = settings["slot"] % gpus
        most_jobs = -(-settings["at_once"] // gpus)  # on one GPU
        torch.cuda.set_device(gpu)
        torch.cuda.set_per_process_memory_fraction(settings["gpu_share"] or 1 / most_jobs, gpu)


if __name__ == "__main__":
    main()
