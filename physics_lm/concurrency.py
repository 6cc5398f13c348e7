"""Jobs of one process that meet where they train and ask, so that what is of one shape is done for all at once.

Every job has a thread, and one of them runs at a time: it hands over where it meets the others, and where it waits
for an artifact that another one makes. When all have handed over, those furthest behind are served.
"""

import threading
import time
from collections import deque
from collections.abc import Callable, Hashable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from filelock import FileLock, Timeout

RANKS = {"pretrain": 0, "finetune": 1, "score": 2}

Work = Callable[[list[Any]], list[Any]]
PAUSE = 0.05  # seconds between looks at a lock that another process holds
_here = threading.local()
_held: set[str] = set()  # the locks of this process


@dataclass
class _Call:
    """What a job wants done: calls of the same work and shape are done together; the lowest rank first."""

    work: Work
    shape: Hashable
    rank: int
    request: Any
    answer: Any = None


@dataclass(eq=False)
class _Job:
    """A job and its thread; `result` is what it returned, or raised."""

    number: int
    work: Callable[[], Any]
    turn: threading.Semaphore = field(default_factory=lambda: threading.Semaphore(0))
    back: threading.Semaphore = field(default_factory=lambda: threading.Semaphore(0))
    call: _Call | None = None
    elsewhere: bool = False  # waits for what another process makes
    done: bool = False
    result: Any = None
    thread: threading.Thread | None = None

    def go(self) -> None:
        """Let the job run until it hands over or ends."""
        if self.thread is None:
            self.thread = threading.Thread(target=self._run, daemon=True)
            self.thread.start()
        self.turn.release()
        self.back.acquire()

    def _run(self) -> None:
        _here.job = self
        self.turn.acquire()
        try:
            self.result = self.work()
        except BaseException as error:
            self.result = error
        self.done = True
        self.back.release()

    def hand_over(self) -> None:
        """Let the others run, on the job's own thread, until it is its turn again."""
        self.back.release()
        self.turn.acquire()


def run(jobs: Sequence[Callable[[], Any]], most: int, patience: float = 0) -> list[Any]:
    """Run jobs in this process, `most` of them begun at a time; return what each returned, or the error it raised.

    patience: seconds for which those that meet wait for one that waits for another process: a larger stack may be
    worth it.
    """
    todo = deque(_Job(number, work) for number, work in enumerate(jobs))
    results: list[Any] = [None] * len(jobs)
    begun: list[_Job] = []
    since = time.monotonic()
    while todo or begun:
        while todo and len(begun) < most:
            begun.append(todo.popleft())
        for job in begun:
            if job.call is None:
                job.go()
        if any(job.elsewhere for job in begun) and time.monotonic() - since < patience:
            time.sleep(PAUSE)  # it will soon be where the others are
            continue
        since = time.monotonic()
        _serve([job for job in begun if job.call], waiting=not all(job.done for job in begun))
        for job in begun:
            if job.done:
                results[job.number] = job.result
        begun = [job for job in begun if not job.done]
    return results


def _serve(jobs: list[_Job], waiting: bool) -> None:
    """Do what the jobs that are furthest behind have called for; with nothing to do, wait a little for a lock."""
    if not jobs:
        time.sleep(PAUSE if waiting else 0)
        return
    calls = [job.call for job in jobs if job.call]
    first = min(call.rank for call in calls)
    groups: dict[Any, list[_Job]] = {}
    for job in jobs:
        if job.call and job.call.rank == first:
            groups.setdefault((job.call.work, job.call.shape), []).append(job)
    for (work, _), group in groups.items():
        answers = _answers(work, [job.call.request for job in group if job.call])
        for job, answer in zip(group, answers, strict=True):
            assert job.call is not None
            job.call.answer = answer
    for group in groups.values():
        for job in group:
            job.go()  # it takes its answer, and runs on


def _answers(work: Work, requests: list[Any]) -> list[Any]:
    try:
        return work(requests)
    except Exception as error:  # of the work as a whole: every job ends with it
        return [error] * len(requests)


def among() -> bool:
    """Whether this is one of several jobs of a process."""
    return getattr(_here, "job", None) is not None


def meet(work: Work, shape: Hashable, rank: int, request: Any) -> Any:
    """Have `work` do this request, with those of other jobs that are of the same shape; return its answer.

    `work` takes requests and returns for each an answer or an exception, which is raised in the job. A job that is
    alone is served at once. rank: what comes first in a job's life; later calls wait for the others' earlier ones.
    """
    job: _Job | None = getattr(_here, "job", None)
    if job is None:
        answer = work([request])[0]
    else:
        job.call = _Call(work, shape, rank, request)
        job.hand_over()
        answer, job.call = job.call.answer, None
    if isinstance(answer, BaseException):
        raise answer
    return answer


@contextmanager
def holding(lock: FileLock) -> Iterator[None]:
    """Hold a lock; while another job of this process holds it, the others run, and while a process does, they wait."""
    while True:
        try:
            lock.acquire(timeout=0 if among() else -1)
            break
        except Timeout:
            _here.job.elsewhere = lock.lock_file not in _held
            _here.job.hand_over()
            _here.job.elsewhere = False
    _held.add(lock.lock_file)
    try:
        yield
    finally:
        _held.discard(lock.lock_file)
        lock.release()
