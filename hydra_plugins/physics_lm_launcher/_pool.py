"""The pool of the `processes` launcher: threads that each start one process after the other."""

import contextlib
import os
import pickle
import queue
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import cloudpickle
from hydra.core.singleton import Singleton
from hydra.core.utils import JobReturn, JobStatus
from joblib import Parallel, cpu_count, delayed
from tqdm import tqdm

if TYPE_CHECKING:
    from hydra_plugins.physics_lm_launcher.processes import ProcessesLauncher

CHILD = [sys.executable, "-m", "hydra_plugins.physics_lm_launcher._child"]


class JobKilledError(RuntimeError):
    """The process of a job ended before the job did."""


def launch(launcher: "ProcessesLauncher", jobs: Sequence[Sequence[str]], first: int) -> list[JobReturn]:
    """Run every job in a process of its own, `n_jobs` at a time; see ProcessesConf."""
    settings = launcher.settings
    at_once = settings["n_jobs"] if settings["n_jobs"] > 0 else cpu_count()
    at_once = max(1, min(at_once, len(jobs)))
    threads = settings["threads"] or max(1, cpu_count() // at_once)
    slots: queue.SimpleQueue[int] = queue.SimpleQueue()
    for slot in range(at_once):
        slots.put(slot)
    state, running = Singleton.get_state(), set[subprocess.Popen[bytes]]()
    bar = tqdm(total=len(jobs), desc="jobs", unit="job", disable=None)

    def one(number: int, overrides: Sequence[str]) -> JobReturn:
        slot = slots.get()
        limits = {**settings, "slot": slot, "at_once": at_once}
        call = (number, list(overrides), launcher.hydra_context, launcher.config, launcher.task_function, state)
        try:
            return _run((limits, call), threads, running)
        finally:
            slots.put(slot)
            bar.update()

    try:
        with bar:
            done = Parallel(n_jobs=at_once, backend="threading", batch_size=1)(
                delayed(one)(first + number, overrides) for number, overrides in enumerate(jobs)
            )
    except BaseException:  # an interrupt: the pool waits for its threads, and they for their processes
        for process in list(running):
            process.kill()
        raise
    return list(done)


def _run(
    payload: tuple[dict[str, Any], tuple[Any, ...]], threads: int, running: set[subprocess.Popen[bytes]]
) -> JobReturn:
    """Run one job in a process, which ends with this one: it listens for the end of its input."""
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
            name, value = pickle.loads(answer.read_bytes())
            return JobReturn(status=JobStatus[name], _return_value=value)
        peak = usage.ru_maxrss / (2**20 if sys.platform == "darwin" else 2**10)
        return _failed(process.returncode, peak)


def _failed(code: int, peak: float) -> JobReturn:
    how = f"killed by signal {-code}" if code < 0 else f"ended with status {code}"
    why = " (the system does that when memory runs out)" if code == -9 else ""
    error = JobKilledError(f"{how}{why}; its peak memory was {peak:,.0f} MB")
    return JobReturn(status=JobStatus.FAILED, _return_value=error)


def _environment(threads: int) -> dict[str, str]:
    counts = {name: str(threads) for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")}
    path = os.pathsep.join(part or os.getcwd() for part in sys.path)
    # bars of several processes would overwrite one another: the launcher shows one, `experiments.status` the rest
    return {**os.environ, **counts, "PYTHONPATH": path, "TQDM_DISABLE": "1", "TOKENIZERS_PARALLELISM": "false"}
