"""Comparison of two people: who ranks higher, and by how much (Part 3.2, section 4)."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from data_gen.config import QuestionConfig, WorldConfig
from data_gen.people.pools import DAYS, MONTHS
from data_gen.people.world import World
from data_gen.questions import derived, family
from data_gen.questions.question import Question
from data_gen.questions.task import YES_NO, Task

USES = ("tasks", "hint", "wordings", "pairs")


@dataclass(frozen=True)
class Scale:
    """What two people are compared by: a number of a person, the words for it, and how it is asked.

    size: the number of values. thing, more, late: what fills the wordings, e.g. the birth month, in a later month.
    """

    attribute: str
    number: Callable[[World, int], int]
    fact: Callable[[World, int], str]
    size: Callable[[WorldConfig], int]
    thing: str
    ranking: tuple[str, str, str]


SCALES = {
    "month": Scale(
        "birth_date",
        lambda world, row: derived.date(world, row)[0],
        derived.month,
        lambda world: len(MONTHS),
        "birth month",
        (
            "Was {name} born in a later month than {other}?",
            "Is the birth month of {name} later than the birth month of {other}?",
            "Is {name} born in a month later than the month of {other}?",
        ),
    ),
    "day": Scale(
        "birth_date",
        lambda world, row: derived.date(world, row)[1],
        derived.day,
        lambda world: DAYS,
        "birth day",
        (
            "Was {name} born on a later day than {other}?",
            "Is the birth day of {name} later than the birth day of {other}?",
            "Is {name} born on a day later than the day of {other}?",
        ),
    ),
    "major": Scale(
        "major",
        derived.luckiness,
        derived.major,
        lambda world: world.pools["major"],
        "luckiness of the major",
        (
            "Is the major of {name} luckier than the major of {other}?",
            "Is the luckiness of the major of {name} above the luckiness of the major of {other}?",
            "Is {name} luckier in the major than {other}?",
        ),
    ),
}
SUBTRACTION = (
    "What is the THING of {name} minus the THING of {other}?",
    "How much remains of the THING of {name} without the THING of {other}?",
    "Minus the THING of {other}, what is the THING of {name}?",
)


def check(config: QuestionConfig, world: WorldConfig) -> None:
    """Raise ConfigError naming the key where a setting is impossible."""
    family.check(config, world, tasks(config, world), USES)


def tasks(config: QuestionConfig, world: WorldConfig) -> Mapping[str, Task]:
    """Return the chosen tasks of `month`, `day` and `major`, each `_ranking` and `_subtraction`."""
    known = {f"{name}_{kind}": (scale, kind) for name, scale in SCALES.items() for kind in ("ranking", "subtraction")}
    return {name: _task(*known[name], world) for name in family.chosen(config, tuple(known))}


def _task(scale: Scale, kind: str, world: WorldConfig) -> Task:
    def minus(world: World, row: int, other: int) -> int:
        return scale.number(world, row) - scale.number(world, other)

    def ranking(world: World, row: int, other: int) -> str:
        return "yes" if minus(world, row, other) > 0 else "no"

    def subtraction(world: World, row: int, other: int) -> str:
        return str(minus(world, row, other))

    if kind == "ranking":
        return Task(scale.attribute, scale.ranking, ranking, YES_NO, scale.fact, people=2)
    size = scale.size(world)
    space = tuple(str(number) for number in range(1 - size, size))
    wordings = tuple(text.replace("THING", scale.thing) for text in SUBTRACTION)
    return Task(scale.attribute, wordings, subtraction, space, scale.fact, people=2)


def questions(world: World, config: QuestionConfig, split: str) -> Iterator[Question]:
    """Yield the questions about pairs of people of a split, by their first person."""
    return family.generate(world, config, split, tasks(config, world.config))
