"""Progress of everything that takes longer than two seconds: a bar on a terminal, and the numbers of a heartbeat."""

import time
from collections.abc import Iterable, Iterator, Sized
from dataclasses import dataclass
from typing import Any, TypeVar, cast

from tqdm import tqdm

Item = TypeVar("Item")
_open: list["Bar"] = []  # the open bars of this process, the innermost last


@dataclass(frozen=True)
class Progress:
    """What is being done, how many of its `total` units are done, and how many are done a second."""

    title: str
    done: int
    total: int
    rate: float

    @property
    def left(self) -> float | None:
        """Seconds left, or None before the first unit."""
        return (self.total - self.done) / self.rate if self.rate else None


class Bar(tqdm):  # type: ignore[type-arg]
    """A bar that is silent for its first two seconds, and always without a terminal; it counts all the same."""

    def __init__(self, title: str, total: int, unit: str, done: int = 0) -> None:
        """Open a bar of `total` units, of which an earlier process did `done`."""
        self.title, self.units, self.done, self._first, self._since = title, total, done, done, time.monotonic()
        super().__init__(total=total, initial=done, desc=title, unit=unit, disable=None, delay=2)
        _open.append(self)

    def update(self, n: float | None = 1) -> bool | None:
        """Count `n` more units."""
        self.done += int(n or 0)
        return super().update(n)

    def close(self) -> None:
        """End the bar."""
        if self in _open:
            _open.remove(self)
        super().close()

    def __hash__(self) -> int:
        return id(self)

    def __eq__(self, other: Any) -> bool:
        return self is other

    @property
    def state(self) -> Progress:
        """The bar's progress; the rate is over the units since it was opened."""
        seconds = max(1e-9, time.monotonic() - self._since)
        return Progress(self.title, self.done, self.units, (self.done - self._first) / seconds)


def track(items: Iterable[Item], title: str, unit: str) -> Iterator[Item]:
    """Yield the items of a sized iterable under a bar."""
    with Bar(title, len(cast(Sized, items)), unit) as bar:
        for item in items:
            yield item
            bar.update()


def current_state() -> Progress | None:
    """Return the progress of the innermost open bar, or None."""
    return _open[-1].state if _open else None
