"""Inverse search: who has these attributes? (Part 3.2, section 6)."""

from dataclasses import dataclass

from data_gen.config import TaskConfig, WorldConfig
from data_gen.people.attributes import NAMES
from data_gen.people.world import World
from data_gen.questions.table_family import from_tasks, select_names
from data_gen.questions.task import Task, Tasks
from data_gen.settings import kind, setting

VERSION = 1
CLUES = {
    "bdate": ("birth_date",),
    "birth": ("birth_date", "birth_city"),
    "three": ("university", "major", "employer"),
    "four": ("birth_city", "university", "major", "employer"),
    "all": NAMES,
}
CLUE_PHRASES = {
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
    "Can you give me the PART name of the person CLUES?",
    "What is the PART name of the person CLUES?",
    "By PART name, who is the person CLUES?",
)


@dataclass(frozen=True)
class Config(TaskConfig):
    """unique: refuse questions that fit several people with different answers."""

    family: str = kind("inverse")
    unique: bool = setting(False)


def tasks(config: Config, world: WorldConfig) -> Tasks:
    """Return the selected tasks, e.g. `bdate_to_first` and `all_to_full`."""
    table = {f"{clues}_to_{part}": (clues, part) for clues in CLUES for part in ("first", "full")}
    return {name: _task(*table[name]) for name in select_names(config, tuple(table))}


def _task(clues: str, part: str) -> Task:
    wordings = tuple(text.replace("PART", part).replace("CLUES", CLUE_PHRASES[clues]) for text in WORDINGS)

    def answer(world: World, row: int) -> str:
        return world.name(row).split()[0] if part == "first" else world.name(row)

    return Task("name", wordings, answer, clues=CLUES[clues])


check, questions = from_tasks(tasks)
