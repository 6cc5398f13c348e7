"""Jobs of one process take turns, meet where their work is alike, and wait for one another's locks."""

import threading
import time

import pytest
from filelock import FileLock

from physics_lm import concurrency


def sums(requests):
    """Work that says how many it was done with."""
    return [(request, len(requests)) for request in requests]


def test_alone_work_is_done_at_once():
    assert not concurrency.among()
    assert concurrency.meet(sums, "shape", 0, 7) == (7, 1)
    with pytest.raises(ValueError, match="no"):
        concurrency.meet(lambda requests: [ValueError("no")], "shape", 0, 7)


def test_jobs_of_one_shape_are_served_together_and_one_runs_at_a_time():
    running, most = set(), []

    def job(number, shape):
        def work():
            assert concurrency.among()
            running.add(number)
            most.append(len(running))
            running.discard(number)
            return concurrency.meet(sums, shape, 0, number)

        return work

    found = concurrency.run([job(0, "a"), job(1, "b"), job(2, "a"), job(3, "a")], 4)
    assert found == [(0, 3), (1, 1), (2, 3), (3, 3)]
    assert set(most) == {1}
    assert not concurrency.among()


def test_no_more_are_begun_than_may_be():
    found = concurrency.run([lambda n=n: concurrency.meet(sums, 0, 0, n) for n in range(5)], 2)
    assert [size for _, size in found] == [2, 2, 2, 2, 1]
    assert [number for number, _ in found] == list(range(5))


def test_those_furthest_behind_are_served_first_so_that_all_meet_again():
    def job(steps):
        return lambda: [concurrency.meet(sums, step, step, step)[1] for step in steps]

    assert concurrency.run([job([0, 1, 2]), job([2]), job([1, 2])], 3) == [[1, 2, 3], [3], [2, 3]]


def test_an_error_ends_its_own_job_alone():
    def work(requests):
        return [ValueError(request) if request == 1 else request for request in requests]

    def fails():
        raise KeyError("before")

    jobs = [lambda n=n: concurrency.meet(work, 0, 0, n) for n in range(3)]
    first, second, third, fourth = concurrency.run([*jobs, fails], 4)
    assert (first, third) == (0, 2)
    assert isinstance(second, ValueError)
    assert isinstance(fourth, KeyError)


def test_an_error_of_the_work_as_a_whole_reaches_every_job():
    def work(requests):
        raise MemoryError

    assert all(isinstance(x, MemoryError) for x in concurrency.run([lambda: concurrency.meet(work, 0, 0, 0)] * 2, 2))


def test_a_job_waits_for_what_another_makes_while_that_one_waits_for_all(tmp_path):
    made = []

    def job(name):
        def work():
            with concurrency.holding(FileLock(tmp_path / "lock")):
                if not made:
                    concurrency.meet(sums, "train", 0, name)
                    made.append(name)
            return concurrency.meet(sums, "next", 1, name)[1]

        return work

    assert concurrency.run([job("a"), job("b"), job("c")], 3) == [3, 3, 3]
    assert made == ["a"]


def held_elsewhere(path, seconds):
    """Hold a lock for a while, as another process would."""
    held = FileLock(path, thread_local=False)
    held.acquire()
    threading.Timer(seconds, held.release).start()


def test_a_lock_of_another_process_is_waited_for(tmp_path, monkeypatch):
    monkeypatch.setattr(concurrency, "PAUSE", 0.01)
    held_elsewhere(tmp_path / "lock", 0.2)

    def job():
        with concurrency.holding(FileLock(tmp_path / "lock")):
            return "got it"

    assert concurrency.run([job], 1) == ["got it"]


@pytest.mark.parametrize(("patience", "sizes"), [(0, [1, 1]), (20, [2, 2])])
def test_those_that_meet_may_wait_for_one_that_waits_for_another_process(tmp_path, monkeypatch, patience, sizes):
    monkeypatch.setattr(concurrency, "PAUSE", 0.01)
    held_elsewhere(tmp_path / "lock", 0.3)

    def waits():
        with concurrency.holding(FileLock(tmp_path / "lock")):
            pass
        return concurrency.meet(sums, "shape", 0, "late")[1]

    assert concurrency.run([lambda: concurrency.meet(sums, "shape", 0, "early")[1], waits], 2, patience) == sizes


def test_nobody_waits_for_a_job_that_waits_for_one_of_them(tmp_path):
    def job():
        with concurrency.holding(FileLock(tmp_path / "lock")):
            return concurrency.meet(sums, "shape", 0, "x")[1]

    start = time.monotonic()
    assert concurrency.run([job, job], 2, 60) == [1, 1]
    assert time.monotonic() - start < 30
