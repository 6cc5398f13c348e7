"""Benchmarks of speed: each module offers `rows(cuda)`; `experiments.bench` finds the modules by name."""

import importlib
import pkgutil
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from multiprocessing import get_context
from multiprocessing.connection import Connection
from statistics import median
from typing import Protocol, cast

from data_gen.errors import ConfigError

Contender = Callable[[], float]  # a way to do the work; a call measures it once


@dataclass(frozen=True)
class Row:
    """One measured number.

    ours: None where this machine cannot measure it. better: higher or lower. target: for the ratio where there is a
    rival, else for ours; None where there is no target.
    """

    name: str
    unit: str
    ours: float | None
    rival: float | None
    rival_name: str
    better: str
    target: float | None
    device: str

    @property
    def ratio(self) -> float | None:
        """The number ours / rival; None without a rival."""
        return None if self.ours is None or not self.rival else self.ours / self.rival

    @property
    def holds(self) -> bool | None:
        """Whether the target is met; None where there is no target or nothing was measured."""
        value = self.ratio if self.rival_name else self.ours
        if value is None or self.target is None:
            return None
        return value >= self.target if self.better == "higher" else value <= self.target


class Benchmark(Protocol):
    """The interface of the modules of this package."""

    def rows(self, cuda: bool) -> Iterator[Row]:
        """Measure and yield the rows; those that need a GPU are empty where `cuda` is false."""
        ...


def names() -> list[str]:
    """Return the names of all benchmarks."""
    return sorted(module.name for module in pkgutil.iter_modules(__path__))


def benchmark(name: str) -> Benchmark:
    """Return the module of a benchmark; raises ConfigError where no module has that name."""
    if name not in names():
        raise ConfigError(f"only={name}: choose one of {', '.join(names())}")
    return cast(Benchmark, importlib.import_module(f"{__name__}.{name}"))


def time_call(work: Callable[[], object]) -> float:
    """Return the seconds that a call takes."""
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def interleaved(contenders: Mapping[str, Contender], rounds: int) -> dict[str, float]:
    """Return each contender's median over rounds; they take turns, so that a busy moment slows all of them."""
    measures: dict[str, list[float]] = {name: [] for name in contenders}
    order = list(contenders)
    for _ in range(rounds):
        for name in order:
            measures[name].append(contenders[name]())
        order = order[1:] + order[:1]
    return {name: median(values) for name, values in measures.items()}


@contextmanager
def separate_processes(factories: Mapping[str, Callable[[], Contender]]) -> Iterator[dict[str, Contender]]:
    """Make each contender in its own process, so that one's settings of memory and threads do not help another."""
    with ExitStack() as stack:
        yield {name: _RemoteContender(stack, factory) for name, factory in factories.items()}


class _RemoteContender:
    """A contender in a daemon process, which ends with this process however it ends."""

    def __init__(self, stack: ExitStack, factory: Callable[[], Contender]) -> None:
        context = get_context("spawn")
        self.pipe, child_pipe = context.Pipe()
        process = context.Process(target=_serve, args=(factory, child_pipe), daemon=True)
        process.start()
        child_pipe.close()
        stack.callback(process.join)
        stack.callback(self.pipe.close)  # runs before the join, and ends the process

    def __call__(self) -> float:
        try:
            self.pipe.send(None)
            return float(self.pipe.recv())
        except (EOFError, OSError):
            raise RuntimeError("a contender's process has ended; its error stands above") from None


def _serve(factory: Callable[[], Contender], pipe: Connection) -> None:
    """Measure a contender on each request of the parent process, until the pipe is closed."""
    contender = factory()
    with suppress(EOFError, BrokenPipeError):
        while True:
            pipe.recv()
            pipe.send(contender())
