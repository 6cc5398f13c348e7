"""Extraction: one question for each person and attribute (Part 3.1, section 2.3)."""

from collections.abc import Iterator

from data_gen.config import QuestionConfig as Config
from data_gen.config import WorldConfig
from data_gen.people.attributes import ATTRIBUTES
from data_gen.people.world import World
from data_gen.questions import table_family
from data_gen.questions.question import Question

VERSION = 1
TASK = "extraction"


def check(config: Config, world: WorldConfig) -> None:
    """Raise ConfigError where the questions cannot be asked in such a world."""
    table_family.check_share(config, world)


def questions(world: World, config: Config, split: str) -> Iterator[Question]:
    """Yield the questions of a split (`train`, `held` or `test`), person by person."""
    for row in table_family.eligible_rows(world, config, split):
        for attribute in ATTRIBUTES:
            prompt = f"{attribute.question.format(name=world.name(row))} Answer:"
            gold = f"{world.value(attribute.name, row)}."
            yield Question(TASK, world.person_id(row), attribute.name, split, prompt, gold)
