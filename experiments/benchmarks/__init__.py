"""Speed: a module each with `rows(cuda)`, measured side by side; `experiments.bench` finds them by name."""

import importlib
import pkgutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from multiprocessing import get_context
from multiprocessing.connection import Connection
from statistics import median
from typing import Protocol, cast

from data_gen.errors import ConfigError

Contender = Callable[[], float]  # measures itself once


@dataclass(frozen=True)
class Row:
    """One measured figure.

    better: higher or lower. ratio: ours / rival. target: on the ratio where there is a rival, else on ours; None
    where nothing is promised. ours is None where this machine cannot run it.
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
        """Ours / rival, or None without a rival."""
        return None if self.ours is None or not self.rival else self.ours / self.rival

    @property
    def holds(self) -> bool | None:
        """Whether the target is met; None where nothing is promised or nothing was measured."""
        value = self.ratio if self.rival_name else self.ours
        if value is None or self.target is None:
            return None
        return value >= self.target if self.better == "higher" else value <= self.target


class Benchmark(Protocol):
    """What a module of this package offers."""

    def rows(self, cuda: bool) -> Iterator[Row]:
        """Measure; rows that need a GPU are empty where `cuda` is false."""
        ...


def names() -> list[str]:
    """Return the names of all benchmarks."""
    return sorted(module.name for module in pkgutil.iter_modules(__path__))


def benchmark(name: str) -> Benchmark:
    """Return the module of a benchmark; raises ConfigError where there is none of that name."""
    if name not in names():
        raise ConfigError(f"only={name}: choose one of {', '.join(names())}")
    return cast(Benchmark, importlib.import_module(f"{__name__}.{name}"))


def interleaved(contenders: Mapping[str, Contender], rounds: int) -> dict[str, float]:
    """Return the median of each contender's measures, taken in turn so that a busy moment meets all of them."""
    found: dict[str, list[float]] = {name: [] for name in contenders}
    order = list(contenders)
    for _ in range(rounds):
        for name in order:
            found[name].append(contenders[name]())
        order = order[1:] + order[:1]
    return {name: median(measures) for name, measures in found.items()}


@contextmanager
def apart(makers: Mapping[str, Callable[[], Contender]]) -> Iterator[dict[str, Contender]]:
    """Make each contender in a process of its own: how one treats memory and threads is not the others' gain."""
    with ExitStack() as stack:
        yield {name: _Apart(stack, make) for name, make in makers.items()}


class _Apart:
    """A contender in a process that ends with this one, however this one ends."""

    def __init__(self, stack: ExitStack, make: Callable[[], Contender]) -> None:
        context = get_context("spawn")
        self.pipe, its = context.Pipe()
        process = context.Process(target=_measured, args=(make, its), daemon=True)
        process.start()
        its.close()
        stack.callback(process.join)
        stack.callback(self.pipe.close)  # which comes first

    def __call__(self) -> float:
        try:
            self.pipe.send(None)
            return float(self.pipe.recv())
        except (EOFError, OSError):
            raise RuntimeError("a contender's process has ended; its error stands above") from None


def _measured(make: Callable[[], Contender], pipe: Connection) -> None:
    """Measure whenever the other process asks for it, until there is none."""
    contender = make()
    with suppress(EOFError, BrokenPipeError):
        while True:
            pipe.recv()
            pipe.send(contender())
