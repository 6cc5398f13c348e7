"""The pool of the launchers' processes: threads that have one job done after the other, each in its own process."""

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

MOST_GB = 2**20  # a limit that the system takes
CHILD = [sys.executable, "-m", "hydra_plugins.physics_lm_launcher._child"]
Work = Callable[[], Sequence[JobReturn]]  # what one process does: a job, or several


class JobKilledError(RuntimeError):
    """The process of a job ended before the job did."""


def check(settings: Mapping[str, Any]) -> None:
    """Raise ConfigError naming a setting of ProcessesConf that cannot be, and the mend."""
    n_jobs, threads, memory, share = (settings[key] for key in ("n_jobs", "threads", "memory_gb", "gpu_share"))
    for key, fits, mend in (
        ("n_jobs", n_jobs == -1 or n_jobs >= 1, "1 or more, or -1 for one per core"),
        ("threads", threads >= 0, "1 or more, or 0 to divide the cores"),
        ("memory_gb", 0 <= memory <= MOST_GB, f"at most {MOST_GB}, or 0 for any amount"),
        ("gpu_share", 0 <= share <= 1, "at most 1, or 0 to divide the memory"),
    ):
        if not fits:
            raise ConfigError(f"hydra.launcher.{key}={settings[key]}: {mend}")


def launch(settings: Mapping[str, Any], works: Sequence[tuple[int, Work]]) -> list[list[JobReturn]]:
    """Do every work, of so many jobs, in a process of its own, `n_jobs` at a time; see ProcessesConf.

    Raises ConfigError as `check` does.
    """
    check(settings)
    at_once = settings["n_jobs"] if settings["n_jobs"] > 0 else cpu_count()
    at_once = max(1, min(at_once, len(works)))
    threads = settings["threads"] or max(1, cpu_count() // at_once)
    slots: queue.SimpleQueue[int] = queue.SimpleQueue()
    for slot in range(at_once):
        slots.put(slot)
    workers: dict[int, Worker] = {}
    bar = tqdm(total=sum(count for count, _ in works), desc="jobs", unit="job", disable=None)

    def one(count: int, work: Work) -> list[JobReturn]:
        slot = slots.get()
        try:
            if slot not in workers or workers[slot].process.poll() is not None:
                workers[slot] = Worker(threads)
            return _run(({**settings, "slot": slot, "at_once": at_once}, work), count, workers[slot])
        finally:
            slots.put(slot)
            bar.update(count)

    try:
        with bar:
            done = Parallel(n_jobs=at_once, backend="threading", batch_size=1)(delayed(one)(*work) for work in works)
    finally:  # after an interrupt the pool waits for its threads, and they for their processes
        for worker in list(workers.values()):
            worker.end()
    return list(done)


class Worker:
    """A process that has loaded what jobs need, and does each job in a copy of itself.

    It and the copy end with this process, or at `end`: they listen for the end of their input.
    """

    def __init__(self, threads: int) -> None:
        """Start the process."""
        heard, told = os.pipe()
        self.heard = os.fdopen(heard, "rb", buffering=0)
        command = [*CHILD, str(told)]
        with _unheard():
            self.process = subprocess.Popen(command, stdin=subprocess.PIPE, env=_environment(threads), pass_fds=[told])
        os.close(told)

    def do(self, payload: bytes) -> tuple[int, float]:
        """Have a work done; return the exit code of its process, and the peak of its memory in MB."""
        assert self.process.stdin is not None
        with contextlib.suppress(BrokenPipeError):  # it died: said below
            self.process.stdin.write(len(payload).to_bytes(8, "big") + payload)
            self.process.stdin.flush()
        if told := self.heard.read(1024):
            code, peak = pickle.loads(told)
            return code, peak / (2**20 if sys.platform == "darwin" else 2**10)
        return self.process.wait(), 0.0

    def end(self) -> None:
        """End the process and what it does."""
        assert self.process.stdin is not None
        with contextlib.suppress(BrokenPipeError):
            self.process.stdin.close()
        self.process.wait()


@contextlib.contextmanager
def _unheard() -> Iterator[None]:
    """Have processes that are started meanwhile hear no interrupt: it is the launcher that ends them and says so.

    In a job it could arrive in a library's cleaning up, and come out as an error of another kind.
    """
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _run(payload: tuple[dict[str, Any], Work], count: int, worker: Worker) -> list[JobReturn]:
    """Have one work of so many jobs done."""
    with tempfile.TemporaryDirectory() as folder:
        answer = Path(folder) / "return.pkl"
        code, peak = worker.do(cloudpickle.dumps((*payload, answer)))
        if answer.exists():
            told = pickle.loads(answer.read_bytes())
            return [JobReturn(status=JobStatus[name], _return_value=value) for name, value in told]
        return [_failed(code, peak)] * count


def _failed(code: int, peak: float) -> JobReturn:
    how = f"killed by signal {-code}" if code < 0 else f"ended with status {code}"
    why = " (the system does that when memory runs out)" if code == -9 else ""
    error = JobKilledError(f"{how}{why}; its peak memory was {peak:,.0f} MB")
    return JobReturn(status=JobStatus.FAILED, _return_value=error)


def _environment(threads: int) -> dict[str, str]:
    names = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "TORCHINDUCTOR_COMPILE_THREADS")
    counts = {name: str(threads) for name in names}
    path = os.pathsep.join(part or os.getcwd() for part in sys.path)
    # bars of several processes would overwrite one another: the launcher shows one, `experiments.status` the rest
    return {**os.environ, **counts, "PYTHONPATH": path, "TQDM_DISABLE": "1", "TOKENIZERS_PARALLELISM": "false"}
