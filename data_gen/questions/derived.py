"""TODO data_gen.questions.derived."""

from functools import cache

import numpy as np

from data_gen import counter
from data_gen.people.pools import MONTHS, Dates
from data_gen.people.world import World


def date(world: World, row: int) -> tuple[int, int, int]:
    """Return month, day and year of a person's birth."""
    dates = world.pools["birth_date"]
    assert isinstance(dates, Dates)
    return dates.parts(int(world.values["birth_date"][row]))


def luckiness(world: World, row: int) -> int:
    """Return the luckiness of a person's major: a random bijection of the majors to 0, 1, ... fixed by the seed."""
    return _lucky(world.seed, len(world.pools["major"]))[int(world.values["major"][row])]


@cache
def _lucky(seed: int, majors: int) -> tuple[int, ...]:
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
