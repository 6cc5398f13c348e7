"""Jobs of one process run in turns, batch their calls of one shape, and wait for one another's locks."""

import threading
import time

import pytest
from filelock import FileLock

from physics_lm import job_scheduler


def batch_sizes(requests):
    """Return each request with the size of its batch."""
    return [(request, len(requests)) for request in requests]


def test_alone_work_is_done_at_once():
    assert not job_scheduler.in_job()
    assert job_scheduler.batched_call(batch_sizes, "shape", 0, 7) == (7, 1)
    with pytest.raises(ValueError, match="no"):
        job_scheduler.batched_call(lambda requests: [ValueError("no")], "shape", 0, 7)


def test_jobs_of_one_shape_are_served_together_and_one_runs_at_a_time():
    running, counts = set(), []

    def job(number, shape):
        def work():
            assert job_scheduler.in_job()
            running.add(number)
            counts.append(len(running))
            running.discard(number)
            return job_scheduler.batched_call(batch_sizes, shape, 0, number)

        return work

    answers = job_scheduler.run_jobs([job(0, "a"), job(1, "b"), job(2, "a"), job(3, "a")], 4)
    assert answers == [(0, 3), (1, 1), (2, 3), (3, 3)]
    assert set(counts) == {1}
    assert not job_scheduler.in_job()


def test_no_more_are_begun_than_may_be():
    answers = job_scheduler.run_jobs(
        [lambda n=n: job_scheduler.batched_call(batch_sizes, 0, 0, n) for n in range(5)], 2
    )
    assert [size for _, size in answers] == [2, 2, 2, 2, 1]
    assert [number for number, _ in answers] == list(range(5))


def test_calls_of_the_earliest_stage_run_first_so_that_later_batches_are_whole():
    def job(steps):
        return lambda: [job_scheduler.batched_call(batch_sizes, step, step, step)[1] for step in steps]

    assert job_scheduler.run_jobs([job([0, 1, 2]), job([2]), job([1, 2])], 3) == [[1, 2, 3], [3], [2, 3]]


def test_an_error_ends_its_own_job_alone():
    def work(requests):
        return [ValueError(request) if request == 1 else request for request in requests]

    def fails():
        raise KeyError("before")

    jobs = [lambda n=n: job_scheduler.batched_call(work, 0, 0, n) for n in range(3)]
    first, second, third, fourth = job_scheduler.run_jobs([*jobs, fails], 4)
    assert (first, third) == (0, 2)
    assert isinstance(second, ValueError)
    assert isinstance(fourth, KeyError)


def test_an_error_of_the_work_as_a_whole_reaches_every_job():
    def work(requests):
        raise MemoryError

    results = job_scheduler.run_jobs([lambda: job_scheduler.batched_call(work, 0, 0, 0)] * 2, 2)
    assert all(isinstance(result, MemoryError) for result in results)


def test_a_job_waits_for_what_another_makes_while_that_one_waits_for_all(tmp_path):
    built = []

    def job(name):
        def work():
            with job_scheduler.hold_lock(FileLock(tmp_path / "lock")):
                if not built:
                    job_scheduler.batched_call(batch_sizes, "train", 0, name)
                    built.append(name)
            return job_scheduler.batched_call(batch_sizes, "next", 1, name)[1]

        return work

    assert job_scheduler.run_jobs([job("a"), job("b"), job("c")], 3) == [3, 3, 3]
    assert built == ["a"]


def held_elsewhere(path, seconds):
    """Hold a lock for a while, as another process would."""
    held = FileLock(path, thread_local=False)
    held.acquire()
    threading.Timer(seconds, held.release).start()


def test_a_lock_of_another_process_is_waited_for(tmp_path, monkeypatch):
    monkeypatch.setattr(job_scheduler, "POLL_SECONDS", 0.01)
    held_elsewhere(tmp_path / "lock", 0.2)

    def job():
        with job_scheduler.hold_lock(FileLock(tmp_path / "lock")):
            return "got it"

    assert job_scheduler.run_jobs([job], 1) == ["got it"]


@pytest.mark.parametrize(("patience", "sizes"), [(0, [1, 1]), (20, [2, 2])])
def test_calls_may_wait_for_a_job_that_waits_for_another_process(tmp_path, monkeypatch, patience, sizes):
    monkeypatch.setattr(job_scheduler, "POLL_SECONDS", 0.01)
    held_elsewhere(tmp_path / "lock", 0.3)

    def waits():
        with job_scheduler.hold_lock(FileLock(tmp_path / "lock")):
            pass
        return job_scheduler.batched_call(batch_sizes, "shape", 0, "late")[1]

    def calls():
        return job_scheduler.batched_call(batch_sizes, "shape", 0, "early")[1]

    assert job_scheduler.run_jobs([calls, waits], 2, patience) == sizes


def test_nobody_waits_for_a_job_that_waits_for_one_of_them(tmp_path):
    def job():
        with job_scheduler.hold_lock(FileLock(tmp_path / "lock")):
            return job_scheduler.batched_call(batch_sizes, "shape", 0, "x")[1]

    start = time.monotonic()
    assert job_scheduler.run_jobs([job, job], 2, 60) == [1, 1]
    assert time.monotonic() - start < 30
