"""Questions about people, a module for each family of tasks; `family` finds it by name."""

import importlib
import pkgutil
from collections.abc import Iterator
from typing import Protocol, cast

from data_gen.config import QuestionConfig, WorldConfig
from data_gen.errors import ConfigError
from data_gen.people.world import World
from data_gen.questions.question import Question


class Family(Protocol):
    """What a module of this package offers."""

    def check(self, config: QuestionConfig, world: WorldConfig) -> None:
        """Raise ConfigError where the family cannot be asked so in such a world."""
        ...

    def questions(self, world: World, config: QuestionConfig, split: str) -> Iterator[Question]:
        """Yield the questions about a split (`train`, `held` or `test`), person by person."""
        ...


def families() -> list[str]:
    """Return the names of all question families."""
    return sorted(module.name for module in pkgutil.iter_modules(__path__))


def _family(name: str) -> Family:
    if name not in families():
        raise ConfigError(f"questions.family={name}: choose one of {', '.join(families())}")
    return cast(Family, importlib.import_module(f"{__name__}.{name}"))


def check(config: QuestionConfig, world: WorldConfig) -> None:
    """Raise ConfigError naming the key and the mend where the questions cannot be asked."""
    _family(config.family).check(config, world)
    if not 0 <= config.held_share < 1:
        raise ConfigError(f"questions.held_share={config.held_share}: from 0 to below 1")


def ask(world: World, config: QuestionConfig, split: str) -> list[Question]:
    """Return the questions of a config about a split.

    Raises ConfigError as `check` does, and where nobody is left to train on.
    """
    check(config, world.config)
    if split == "held" and not config.held_share:
        return []
    return list(_family(config.family).questions(world, config, split))
