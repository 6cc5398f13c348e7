"""Inverse search: who has these attributes? (Part 3.2, section 6)."""

from collections.abc import Iterator, Mapping

from data_gen.config import QuestionConfig, WorldConfig
from data_gen.people.attributes import NAMES
from data_gen.people.world import World
from data_gen.questions import family
from data_gen.questions.question import Question
from data_gen.questions.task import Task

USES = ("tasks", "wordings", "unique")
GIVEN = {
    "bdate": ("birth_date",),
    "birth": ("birth_date", "birth_city"),
    "three": ("university", "major", "employer"),
    "four": ("birth_city", "university", "major", "employer"),
    "all": NAMES,
}
FACTS = {
    "bdate": "born on {birth_date}",
    "birth": "born on {birth_date} in {birth_city}",
    "three": "who studied at {university}, majored in {major} and worked for {employer}",
    "four": "born in {birth_city}, who studied at {university}, majored in {major} and worked for {employer}",
    "all": (
        "born on {birth_date} in {birth_city}, who studied at {university}, majored in {major} and worked for "
        "{employer} in {company_city}"
    ),
}
WORDINGS = (
    "Can you give me the PART name of the person FACTS?",
    "What is the PART name of the person FACTS?",
    "By PART name, who is the person FACTS?",
)


def check(config: QuestionConfig, world: WorldConfig) -> None:
    """Raise ConfigError naming the key where a setting is impossible."""
    family.check(config, world, tasks(config, world), USES)


def tasks(config: QuestionConfig, world: WorldConfig) -> Mapping[str, Task]:
    """Return the chosen tasks, e.g. `bdate_to_first` and `all_to_full`."""
    known = {f"{given}_to_{part}": (given, part) for given in GIVEN for part in ("first", "full")}
    return {name: _task(*known[name]) for name in family.chosen(config, tuple(known))}


def _task(given: str, part: str) -> Task:
    wordings = tuple(text.replace("PART", part).replace("FACTS", FACTS[given]) for text in WORDINGS)

    def answer(world: World, row: int) -> str:
        return world.name(row).split()[0] if part == "first" else world.name(row)

    return Task("name", wordings, answer, given=GIVEN[given])


def questions(world: World, config: QuestionConfig, split: str) -> Iterator[Question]:
    """Yield the questions whose answer is a person of a split, person by person."""
    return family.generate(world, config, split, tasks(config, world.config))
