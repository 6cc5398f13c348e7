"""Questions about people, a module for each family, which is found by its name."""

from collections.abc import Iterator
from typing import Any, Protocol, cast

from data_gen import kinds, settings
from data_gen.config import QuestionConfig, WorldConfig
from data_gen.people.world import World
from data_gen.questions.question import Question


class Family(Protocol):
    """The interface of a module of this package that is a question family; others are shared by families."""

    VERSION: int  # raised when the same settings give other questions

    def check(self, config: Any, world: WorldConfig) -> None:
        """Raise ConfigError, naming the key and how to fix it, where the questions cannot be made in such a world."""
        ...

    def questions(self, world: World, config: Any, split: str) -> Iterator[Question]:
        """Yield the questions of a split (`train`, `held` or `test`), person by person."""
        ...


def load(config: QuestionConfig) -> Family:
    """Return the module of a question family; raises ConfigError where there is none."""
    return cast(Family, kinds.load(__name__, "questions", config))


def check(config: QuestionConfig, world: WorldConfig) -> None:
    """Raise ConfigError, naming the key and how to fix it, where the questions cannot be made."""
    family = load(config)
    settings.check("questions", config)
    family.check(config, world)


def generate(world: World, config: QuestionConfig, split: str) -> list[Question]:
    """Return the questions of a split (`train`, `held` or `test`), person by person.

    Raises ConfigError as `check` does, and where nobody is left to train on.
    """
    check(config, world.config)
    if split == "held" and not config.held_share:
        return []
    return list(load(config).questions(world, config, split))
