"""Partial and dual retrieval: a part of a value, or two values in one answer (Part 3.2, section 3)."""

from dataclasses import dataclass

from data_gen.config import TaskConfig, WorldConfig
from data_gen.people.attributes import NAMES
from data_gen.people.pools import DAYS, FIRST_YEAR
from data_gen.people.world import World
from data_gen.questions import derived
from data_gen.questions.table_family import from_tasks, select_names
from data_gen.questions.task import Task, Tasks
from data_gen.settings import kind

VERSION = 1
PAIRS = (("birth_city", "employer"), ("university", "major"), ("employer", "company_city"))  # the paper's, both ways
DAY = (
    "On which day of the month was {name} born?",
    "What is the birth day of {name}?",
    "Which day of the month is the birth day of {name}?",
)
YEAR = (
    "In which year was {name} born?",
    "What is the birth year of {name}?",
    "Which year is the birth year of {name}?",
)
PART = (
    "What is the PART word of the NOUN of {name}?",
    "Which word is PART in the NOUN of {name}?",
    "Of the NOUN of {name}, what is the PART word?",
)
DUAL = (
    "What are the ONE and the TWO of {name}?",
    "Which are, in this order, the ONE and the TWO of {name}?",
    "Of {name}, what are the ONE and the TWO?",
)


@dataclass(frozen=True)
class Config(TaskConfig):
    """Tasks and wordings."""

    family: str = kind("retrieval")


def tasks(config: Config, world: WorldConfig) -> Tasks:
    """Return the selected tasks: birth_day, birth_year, first_X, last_X and X_and_Y for attributes X and Y."""
    years = tuple(str(FIRST_YEAR + number) for number in range(world.pools["year"]))
    table = {
        "birth_day": Task("birth_date", DAY, derived.day, tuple(str(day + 1) for day in range(DAYS))),
        "birth_year": Task("birth_date", YEAR, lambda world, row: str(derived.date(world, row)[2]), years),
    }
    for name in NAMES:
        if name != "birth_date":  # day and year have their own tasks
            table |= {f"{part}_{name}": _word_task(name, part) for part in ("first", "last")}
    for left, right in PAIRS:
        table |= {f"{a}_and_{b}": _dual_task(a, b) for a, b in ((left, right), (right, left))}
    return {name: table[name] for name in select_names(config, tuple(table))}


def _words(name: str) -> str:
    return name.replace("_", " ")


def _word_task(name: str, part: str) -> Task:
    """Return the task that asks for the first or the last word of a value of several words."""
    wordings = tuple(text.replace("PART", part).replace("NOUN", _words(name)) for text in PART)
    position = 0 if part == "first" else -1

    def answer(world: World, row: int) -> str:
        return world.value(name, row).split()[position].rstrip(",")

    return Task(name, wordings, answer, applies=lambda world, row: len(world.value(name, row).split()) > 1)


def _dual_task(first: str, second: str) -> Task:
    wordings = tuple(text.replace("ONE", _words(first)).replace("TWO", _words(second)) for text in DUAL)
    return Task(first, wordings, lambda world, row: f"{world.value(first, row)}; {world.value(second, row)}")


check, questions = from_tasks(tasks)
