"""Comparison of two people: who ranks higher, and by how much (Part 3.2, section 4)."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from data_gen.config import HintConfig, WorldConfig
from data_gen.people.pools import DAYS, MONTHS
from data_gen.people.world import World
from data_gen.questions import derived
from data_gen.questions.table_family import from_tasks, select_names
from data_gen.questions.task import YES_NO, Task, Tasks
from data_gen.settings import kind, setting

VERSION = 1


@dataclass(frozen=True)
class Quantity:
    """A quantity that two people are compared by.

    number: maps a world and a row to an integer. hint: the number in words. noun: its name in the wordings of a
    subtraction. ranking: the wordings of a ranking.
    """

    attribute: str
    number: Callable[[World, int], int]
    hint: Callable[[World, int], str]
    noun: str
    ranking: tuple[str, str, str]


MONTH = (
    "Was {name} born in a later month than {other}?",
    "Is the birth month of {name} later than the birth month of {other}?",
    "Is {name} born in a month later than the month of {other}?",
)
DAY = (
    "Was {name} born on a later day than {other}?",
    "Is the birth day of {name} later than the birth day of {other}?",
    "Is {name} born on a day later than the day of {other}?",
)
MAJOR = (
    "Is the major of {name} luckier than the major of {other}?",
    "Is the luckiness of the major of {name} above the luckiness of the major of {other}?",
    "Is {name} luckier in the major than {other}?",
)
QUANTITIES = {
    "month": Quantity(
        "birth_date", lambda world, row: derived.date(world, row)[0], derived.month, "birth month", MONTH
    ),
    "day": Quantity("birth_date", lambda world, row: derived.date(world, row)[1], derived.day, "birth day", DAY),
    "major": Quantity("major", derived.luckiness, derived.major, "luckiness of the major", MAJOR),
}
SUBTRACTION = (
    "What is the NOUN of {name} minus the NOUN of {other}?",
    "How much remains of the NOUN of {name} without the NOUN of {other}?",
    "Minus the NOUN of {other}, what is the NOUN of {name}?",
)


@dataclass(frozen=True)
class Config(HintConfig):
    """pairs: partners that each person is compared with in training."""

    family: str = kind("comparison")
    pairs: int = setting(5, least=1)


def tasks(config: Config, world: WorldConfig) -> Tasks:
    """Return the selected tasks of `month`, `day` and `major`, each `_ranking` and `_subtraction`."""
    sizes = {"month": len(MONTHS), "day": DAYS, "major": world.pools["major"]}
    table = {f"{name}_{kind}": (name, kind) for name in QUANTITIES for kind in ("ranking", "subtraction")}
    return {name: _task(*table[name], sizes) for name in select_names(config, tuple(table))}


def _task(name: str, kind: str, sizes: Mapping[str, int]) -> Task:
    quantity, size = QUANTITIES[name], sizes[name]

    def answer(world: World, row: int, other: int) -> str:
        difference = quantity.number(world, row) - quantity.number(world, other)
        return str(difference) if kind == "subtraction" else "yes" if difference > 0 else "no"

    if kind == "ranking":
        return Task(quantity.attribute, quantity.ranking, answer, YES_NO, quantity.hint, people=2)
    possible_answers = tuple(str(number) for number in range(1 - size, size))
    wordings = tuple(text.replace("NOUN", quantity.noun) for text in SUBTRACTION)
    return Task(quantity.attribute, wordings, answer, possible_answers, quantity.hint, people=2)


check, questions = from_tasks(tasks)
