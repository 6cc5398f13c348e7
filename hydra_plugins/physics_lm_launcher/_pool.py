"""The pool of the launchers' processes: threads that each start one process after the other."""

import contextlib
import os
import pickle
import queue
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import cloudpickle
from hydra.core.utils import JobReturn, JobStatus
from joblib import Parallel, cpu_count, delayed
from tqdm import tqdm

CHILD = [sys.executable, "-m", "hydra_plugins.physics_lm_launcher._child"]
Work = Callable[[], Sequence[JobReturn]]  # what one process does: a job, or several


class JobKilledError(RuntimeError):
    """The process of a job ended before the job did."""


def launch(settings: Mapping[str, Any], works: Sequence[tuple[int, Work]]) -> list[list[JobReturn]]:
    """Do every work, of so many jobs, in a process of its own, `n_jobs` at a time; see ProcessesConf."""
    at_once = settings["n_jobs"] if settings["n_jobs"] > 0 else cpu_count()
    at_once = max(1, min(at_once, len(works)))
    threads = settings["threads"] or max(1, cpu_count() // at_once)
    slots: queue.SimpleQueue[int] = queue.SimpleQueue()
    for slot in range(at_once):
        slots.put(slot)
    running = set[subprocess.Popen[bytes]]()
    bar = tqdm(total=sum(count for count, _ in works), desc="jobs", unit="job", disable=None)

    def one(count: int, work: Work) -> list[JobReturn]:
        slot = slots.get()
        try:
            return _run(({**settings, "slot": slot, "at_once": at_once}, work), count, threads, running)
        finally:
            slots.put(slot)
            bar.update(count)

    try:
        with bar:
            done = Parallel(n_jobs=at_once, backend="threading", batch_size=1)(delayed(one)(*work) for work in works)
    except BaseException:  # an interrupt: the pool waits for its threads, and they for their processes
        for process in list(running):
            process.kill()
        raise
    return list(done)


def _run(
    payload: tuple[dict[str, Any], Work], count: int, threads: int, running: set[subprocess.Popen[bytes]]
) -> list[JobReturn]:
    """Do one work in a process, which ends with this one: it listens for the end of its input."""
    with tempfile.TemporaryDirectory() as folder:
        answer = Path(folder) / "return.pkl"
        process = subprocess.Popen([*CHILD, str(answer)], stdin=subprocess.PIPE, env=_environment(threads))
        assert process.stdin is not None
        running.add(process)
        with contextlib.suppress(BrokenPipeError):  # it died at once: said below
            process.stdin.write(cloudpickle.dumps(payload))
            process.stdin.flush()
        _, status, usage = os.wait4(process.pid, 0)
        running.discard(process)
        process.returncode = os.waitstatus_to_exitcode(status)
        with contextlib.suppress(BrokenPipeError):
            process.stdin.close()
        if answer.exists():
            told = pickle.loads(answer.read_bytes())
            return [JobReturn(status=JobStatus[name], _return_value=value) for name, value in told]
        peak = usage.ru_maxrss / (2**20 if sys.platform == "darwin" else 2**10)
        return [_failed(process.returncode, peak)] * count


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
