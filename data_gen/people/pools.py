"""Value pools: frozen lists of names, cities, universities, majors and employers (Part 3.1, section 2).

Each list is a text file in pools/ whose sha256 is in SHA256SUMS, so that worlds never change over time.
Lists are ordered: their first k lines keep the distribution of the whole (see pools/README.md).
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import overload

from data_gen.errors import PoolError

FOLDER = Path(__file__).parent / "pools"
MONTHS = (
    "January", "February", "March", "April", "May", "June",
    "July", "August", "September", "October", "November", "December",
)  # fmt: skip
DAYS = 28
FIRST_YEAR = 1900


@cache
def read_lines(name: str) -> tuple[str, ...]:
    """Return all lines of pools/NAME.txt; raises PoolError where it is missing or its sha256 is not the frozen one."""
    path = FOLDER / f"{name}.txt"
    if not path.exists():
        raise PoolError(f"no pool file {path.name}: known are {', '.join(sorted(_checksums()))}")
    data = path.read_bytes()
    if hashlib.sha256(data).hexdigest() != _checksums().get(path.name):
        raise PoolError(f"{path.name} is not the frozen file: restore it, or renew SHA256SUMS and say why")
    return tuple(data.decode().splitlines())


@cache
def _checksums() -> dict[str, str]:
    rows = (line.split() for line in (FOLDER / "SHA256SUMS").read_text().splitlines())
    return {name.lstrip("*"): digest for digest, name in rows}


def first_lines(name: str, size: int) -> tuple[str, ...]:
    """Return the first `size` lines of a pool; raises PoolError naming the pool where it has fewer."""
    values = read_lines(name)
    if not 1 <= size <= len(values):
        raise PoolError(f"world.pools.{name}={size}: choose between 1 and {len(values)}")
    return values[:size]


@dataclass(frozen=True)
class Dates(Sequence[str]):
    """All birth dates as texts like `October 2, 1996`: 12 months x days 1 to 28, so 336 in each of `years` years."""

    years: int

    def __len__(self) -> int:
        return len(MONTHS) * DAYS * self.years

    @overload
    def __getitem__(self, index: int) -> str: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[str]: ...
    def __getitem__(self, index: int | slice) -> str | Sequence[str]:
        if isinstance(index, slice):
            return [self[i] for i in range(*index.indices(len(self)))]
        month, day, year = self.month_day_year(index)
        return f"{MONTHS[month - 1]} {day}, {year}"

    def month_day_year(self, index: int) -> tuple[int, int, int]:
        """Return month (1 to 12), day (1 to 28) and year of a date; raises IndexError outside the pool."""
        if not 0 <= index < len(self):
            raise IndexError(index)
        month_day, year = divmod(index, self.years)
        month, day = divmod(month_day, DAYS)
        return month + 1, day + 1, FIRST_YEAR + year


def dates(size: int) -> Dates:
    """Return the dates of `size` years from 1900 on; raises PoolError outside 1 to 200."""
    if not 1 <= size <= 200:
        raise PoolError(f"world.pools.year={size}: choose between 1 and 200")
    return Dates(size)


@cache
def employers(size: int) -> tuple[tuple[str, ...], tuple[str, ...], tuple[int, ...]]:
    """Return the employers, their distinct headquarters cities, and the city's index for each employer."""
    pairs = [line.split(" | ") for line in first_lines("employer", size)]
    cities = tuple(dict.fromkeys(city for _, city in pairs))
    return tuple(name for name, _ in pairs), cities, tuple(cities.index(city) for _, city in pairs)
