"""The launchers' pool: threads that run one task after the other, each task in a process of its own."""

import contextlib
import os
import pickle
import queue
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import cloudpickle
from hydra.core.utils import JobReturn, JobStatus
from joblib import Parallel, cpu_count, delayed
from tqdm import tqdm

from data_gen.errors import ConfigError

MAX_MEMORY_GB = 2**20  # setrlimit refuses much larger numbers
WORKER_COMMAND = [sys.executable, "-m", "hydra_plugins.physics_lm_launcher._child"]
Task = Callable[[], Sequence[JobReturn]]  # runs one job, or several in one process


class JobKilledError(RuntimeError):
    """The process of a job ended before the job did."""


def check_settings(settings: Mapping[str, Any]) -> None:
    """Raise ConfigError for a setting of ProcessesConf that is out of range."""
    n_jobs, threads, memory, share = (settings[key] for key in ("n_jobs", "threads", "memory_gb", "gpu_share"))
    for key, valid, accepted in (
        ("n_jobs", n_jobs == -1 or n_jobs >= 1, "1 or more, or -1 for one per core"),
        ("threads", threads >= 0, "1 or more, or 0 to divide the cores"),
        ("memory_gb", 0 <= memory <= MAX_MEMORY_GB, f"at most {MAX_MEMORY_GB}, or 0 for any amount"),
        ("gpu_share", 0 <= share <= 1, "at most 1, or 0 to divide the memory"),
    ):
        if not valid:
            raise ConfigError(f"hydra.launcher.{key}={settings[key]}: {accepted}")


def launch(settings: Mapping[str, Any], tasks: Sequence[tuple[int, Task]]) -> list[list[JobReturn]]:
    """Run every task in a process of its own, `n_jobs` of them at a time, and return its jobs' results.

    settings: of ProcessesConf. tasks: the number of jobs of each task, and the task. Raises ConfigError as
    `check_settings` does.
    """
    check_settings(settings)
    at_once = max(1, min(settings["n_jobs"] if settings["n_jobs"] > 0 else cpu_count(), len(tasks)))
    threads = settings["threads"] or max(1, cpu_count() // at_once)
    slots: queue.SimpleQueue[int] = queue.SimpleQueue()
    for slot in range(at_once):
        slots.put(slot)
    workers: dict[int, Worker] = {}
    bar = tqdm(total=sum(count for count, _ in tasks), desc="jobs", unit="job", disable=None)

    def run(count: int, task: Task) -> list[JobReturn]:
        slot = slots.get()
        try:
            if slot not in workers or workers[slot].process.poll() is not None:
                workers[slot] = Worker(threads)
            return _run_task(({**settings, "slot": slot, "at_once": at_once}, task), count, workers[slot])
        finally:
            slots.put(slot)
            bar.update(count)

    try:
        with bar:
            results = Parallel(n_jobs=at_once, backend="threading", batch_size=1)(delayed(run)(*task) for task in tasks)
    finally:  # after an interrupt the pool waits for its threads, and they for their processes
        for worker in list(workers.values()):
            worker.close()
    return list(results)


class Worker:
    """A process that has imported what jobs need, and runs each task in a fork of itself.

    It and its fork read the end of their input, and so exit with this process or at `close`.
    """

    def __init__(self, threads: int) -> None:
        """Start the process."""
        read_fd, write_fd = os.pipe()
        self.reports = os.fdopen(read_fd, "rb", buffering=0)
        command, env = [*WORKER_COMMAND, str(write_fd)], _environment(threads)
        with _interrupts_blocked():
            self.process = subprocess.Popen(command, stdin=subprocess.PIPE, env=env, pass_fds=[write_fd])
        os.close(write_fd)

    def run(self, payload: bytes) -> tuple[int, float]:
        """Run a pickled task; return the exit code of its process and the peak of that process's memory in MB."""
        assert self.process.stdin is not None
        with contextlib.suppress(BrokenPipeError):  # the process died: its exit code is returned below
            self.process.stdin.write(len(payload).to_bytes(8, "big") + payload)
            self.process.stdin.flush()
        if report := self.reports.read(1024):
            code, peak = pickle.loads(report)
            return code, peak / (2**20 if sys.platform == "darwin" else 2**10)
        return self.process.wait(), 0.0

    def close(self) -> None:
        """End the process and its fork."""
        assert self.process.stdin is not None
        with contextlib.suppress(BrokenPipeError):
            self.process.stdin.close()
        self.process.wait()


@contextlib.contextmanager
def _interrupts_blocked() -> Iterator[None]:
    """Block SIGINT for processes that are started in the body: the launcher alone handles it, and ends them.

    In a job it could arrive during a library's cleanup, and come out as an error of another kind.
    """
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _run_task(task: tuple[dict[str, Any], Task], count: int, worker: Worker) -> list[JobReturn]:
    """Run one task of `count` jobs, given with its settings; if its process dies, all of them are failed."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "return.pkl"
        code, peak = worker.run(cloudpickle.dumps((*task, path)))
        if not path.exists():
            return [_killed(code, peak)] * count
        results = pickle.loads(path.read_bytes())
        return [JobReturn(status=JobStatus[status], _return_value=value) for status, value in results]


def _killed(code: int, peak: float) -> JobReturn:
    """Return the failure of a job whose process died. code: as subprocess reports it. peak: memory in MB."""
    end = f"killed by signal {-code}" if code < 0 else f"ended with status {code}"
    hint = " (the system does that when memory runs out)" if code == -9 else ""
    error = JobKilledError(f"{end}{hint}; its peak memory was {peak:,.0f} MB")
    return JobReturn(status=JobStatus.FAILED, _return_value=error)


def _environment(threads: int) -> dict[str, str]:
    """Return the environment of a worker: `threads` for each library, this process's sys.path, no progress bars."""
    names = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "TORCHINDUCTOR_COMPILE_THREADS")
    counts = {name: str(threads) for name in names}
    path = os.pathsep.join(folder or os.getcwd() for folder in sys.path)
    # bars of several processes would overwrite one another: the launcher shows one, `experiments.status` the rest
    return {**os.environ, **counts, "PYTHONPATH": path, "TQDM_DISABLE": "1", "TOKENIZERS_PARALLELISM": "false"}
