"""A cooperative scheduler for the jobs of one process, which runs their calls of one shape as one batch.

Every job has a thread, and one thread runs at a time. A job yields in `batched_call`, and in `hold_lock` while the lock
is held elsewhere. When all active jobs have yielded, the scheduler runs the calls with the lowest priority number.
"""

import threading
import time
from collections import deque
from collections.abc import Callable, Hashable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from filelock import FileLock, Timeout

POLL_SECONDS = 0.05  # between attempts to take a lock that another process holds

BatchFunction = Callable[[list[Any]], list[Any]]
_current = threading.local()  # .job: the job of this thread; .stage: the number of the stage that it is making
_held_locks: set[str] = set()  # paths of the locks that this process holds


@dataclass
class _Call:
    """A pending call; pending calls of the same function, shape and priority run as one batch."""

    function: BatchFunction
    shape: Hashable
    priority: int
    request: Any
    answer: Any = None


@dataclass(eq=False)
class _Job:
    """A job and its thread; `result` is what the function returned, or the exception that it raised."""

    function: Callable[[], Any]
    may_run: threading.Semaphore = field(default_factory=lambda: threading.Semaphore(0))
    has_yielded: threading.Semaphore = field(default_factory=lambda: threading.Semaphore(0))
    call: _Call | None = None
    waits_for_process: bool = False  # another process holds the lock that the job needs
    done: bool = False
    result: Any = None

    def resume(self) -> None:
        """Let the job run until it yields or ends."""
        self.may_run.release()
        self.has_yielded.acquire()

    def run(self) -> None:
        """Run the job in the current thread, once the scheduler resumes it."""
        _current.job = self
        self.may_run.acquire()
        try:
            self.result = self.function()
        except BaseException as error:
            self.result = error
        self.done = True
        self.has_yielded.release()

    def yield_control(self) -> None:
        """Pause the job, from its own thread, until the scheduler resumes it."""
        self.has_yielded.release()
        self.may_run.acquire()


def run_jobs(jobs: Sequence[Callable[[], Any]], max_active: int, patience: float = 0) -> list[Any]:
    """Run jobs, at most `max_active` of them at a time; return what each returned, or the exception it raised.

    patience: seconds for which pending calls wait for a job that needs the lock of another process: its call may
    make their batch larger.
    """
    all_jobs = [_Job(function) for function in jobs]
    queue, active = deque(all_jobs), list[_Job]()
    last_batch = time.monotonic()
    while queue or active:
        while queue and len(active) < max_active:
            active.append(queue.popleft())
            threading.Thread(target=active[-1].run, daemon=True).start()
        for job in active:
            if job.call is None:
                job.resume()
        if any(job.waits_for_process for job in active) and time.monotonic() - last_batch < patience:
            time.sleep(POLL_SECONDS)
            continue
        last_batch = time.monotonic()
        if any(job.call for job in active):
            _run_calls(active)
        elif not all(job.done for job in active):
            time.sleep(POLL_SECONDS)
        active = [job for job in active if not job.done]
    return [job.result for job in all_jobs]


def _run_calls(jobs: list[_Job]) -> None:
    """Run the pending calls of the lowest priority number, a batch per function and shape; then resume their jobs."""
    calls = [(job, job.call) for job in jobs if job.call]
    first = min(call.priority for _, call in calls)
    batches: dict[Any, list[tuple[_Job, _Call]]] = {}
    for job, call in calls:
        if call.priority == first:
            batches.setdefault((call.function, call.shape), []).append((job, call))
    for (function, _), batch in batches.items():
        try:
            answers = function([call.request for _, call in batch])
        except Exception as error:  # an error of the whole batch ends each of its jobs
            answers = [error] * len(batch)
        for (_, call), answer in zip(batch, answers, strict=True):
            call.answer = answer
    for batch in batches.values():
        for job, _ in batch:
            job.resume()


@contextmanager
def at_stage(number: int) -> Iterator[None]:
    """Say which stage of its run the thread is making: calls of an earlier stage run before those of a later one."""
    previous, _current.stage = current_stage(), number
    try:
        yield
    finally:
        _current.stage = previous


def current_stage() -> int:
    """Return the number of the stage that the thread is making, 0 outside of a stage."""
    number: int = getattr(_current, "stage", 0)
    return number


def in_job() -> bool:
    """Return whether the caller runs as a job of `run_jobs`."""
    return getattr(_current, "job", None) is not None


def batched_call(function: BatchFunction, shape: Hashable, priority: int, request: Any) -> Any:
    """Return the function's answer to a request, computed in one batch with other jobs' requests of the same shape.

    `function` takes requests and returns an answer or an exception for each; an exception is raised here. Outside of
    `run_jobs` it is called at once. priority: calls with a higher number wait for those with a lower one.
    """
    job: _Job | None = getattr(_current, "job", None)
    if job is None:
        answer = function([request])[0]
    else:
        job.call = _Call(function, shape, priority, request)
        job.yield_control()
        answer, job.call = job.call.answer, None
    if isinstance(answer, BaseException):
        raise answer
    return answer


@contextmanager
def hold_lock(lock: FileLock) -> Iterator[None]:
    """Hold a lock. A job yields to the other jobs until the lock is free; outside of `run_jobs` the caller blocks."""
    while True:
        try:
            lock.acquire(timeout=0 if in_job() else -1)
            break
        except Timeout:
            _current.job.waits_for_process = lock.lock_file not in _held_locks
            _current.job.yield_control()
            _current.job.waits_for_process = False
    _held_locks.add(lock.lock_file)
    try:
        yield
    finally:
        _held_locks.discard(lock.lock_file)
        lock.release()
