"""Partial and dual retrieval: a part of a value, or two values in one answer (Part 3.2, section 3)."""

from collections.abc import Iterator, Mapping

from data_gen.config import QuestionConfig, WorldConfig
from data_gen.people.attributes import NAMES
from data_gen.people.pools import DAYS, FIRST_YEAR
from data_gen.people.world import World
from data_gen.questions import derived, family
from data_gen.questions.question import Question
from data_gen.questions.task import Task

USES = ("tasks", "wordings")
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
    "What is the PART word of the THING of {name}?",
    "Which word is PART in the THING of {name}?",
    "Of the THING of {name}, what is the PART word?",
)
DUAL = (
    "What are the ONE and the TWO of {name}?",
    "Which are, in this order, the ONE and the TWO of {name}?",
    "Of {name}, what are the ONE and the TWO?",
)


def check(config: QuestionConfig, world: WorldConfig) -> None:
    """Raise ConfigError naming the key where a setting is impossible."""
    family.check(config, world, tasks(config, world), USES)


def tasks(config: QuestionConfig, world: WorldConfig) -> Mapping[str, Task]:
    """Return the chosen tasks: birth_day, birth_year, first_X, last_X and X_and_Y for attributes X and Y."""
    years = tuple(str(FIRST_YEAR + number) for number in range(world.pools["year"]))
    known = {
        "birth_day": Task("birth_date", DAY, derived.day, tuple(str(day + 1) for day in range(DAYS))),
        "birth_year": Task("birth_date", YEAR, lambda w, row: str(derived.date(w, row)[2]), years),
    }
    for name in NAMES:
        if name != "birth_date":  # its parts have tasks of their own
            known |= {f"{part}_{name}": _part(name, part) for part in ("first", "last")}
    for one, two in PAIRS:
        known |= {f"{one}_and_{two}": _dual(one, two), f"{two}_and_{one}": _dual(two, one)}
    return {name: known[name] for name in family.chosen(config, tuple(known))}


def _words(name: str) -> str:
    return name.replace("_", " ")


def _part(name: str, part: str) -> Task:
    """Ask for the first or the last word of a value that has several."""
    wordings = tuple(text.replace("PART", part).replace("THING", _words(name)) for text in PART)
    place = 0 if part == "first" else -1

    def answer(world: World, row: int) -> str:
        return world.value(name, row).split()[place].rstrip(",")

    return Task(name, wordings, answer, applies=lambda world, row: len(world.value(name, row).split()) > 1)


def _dual(one: str, two: str) -> Task:
    wordings = tuple(text.replace("ONE", _words(one)).replace("TWO", _words(two)) for text in DUAL)
    return Task(one, wordings, lambda world, row: f"{world.value(one, row)}; {world.value(two, row)}")


def questions(world: World, config: QuestionConfig, split: str) -> Iterator[Question]:
    """Yield the questions about everyone asked about in a split, person by person."""
    return family.generate(world, config, split, tasks(config, world.config))
