"""Quantities derived from a person's attributes: parts of the birth date, and the luckiness of the major."""

from functools import cache

import numpy as np

from data_gen import counter
from data_gen.people.pools import MONTHS, Dates
from data_gen.people.world import World


def date(world: World, row: int) -> tuple[int, int, int]:
    """Return month (1 to 12), day (1 to 28) and year of a person's birth."""
    dates = world.pools["birth_date"]
    assert isinstance(dates, Dates)
    return dates.month_day_year(int(world.values["birth_date"][row]))


def luckiness(world: World, row: int) -> int:
    """Return the luckiness of a person's major; the seed fixes a random bijection of the majors to 0, 1, ..."""
    return _luckiness_of_majors(world.seed, len(world.pools["major"]))[int(world.values["major"][row])]


@cache
def _luckiness_of_majors(seed: int, majors: int) -> tuple[int, ...]:
    return tuple(map(int, counter.permute(np.arange(majors), majors, seed, "luckiness")))


def month(world: World, row: int) -> str:
    """Return a person's birth month in words."""
    return MONTHS[date(world, row)[0] - 1]


def day(world: World, row: int) -> str:
    """Return a person's day of birth, 1 to 28."""
    return str(date(world, row)[1])


def major(world: World, row: int) -> str:
    """Return a person's major in words."""
    return world.value("major", row)
