"""Questions about people, a module for each family, which is found by its name."""

import importlib
import pkgutil
from collections.abc import Iterator
from functools import cache
from types import ModuleType
from typing import Protocol, cast

from data_gen.config import QuestionConfig, WorldConfig
from data_gen.errors import ConfigError
from data_gen.people.world import World
from data_gen.questions.question import Question


class Family(Protocol):
    """The interface of a module of this package that is a question family; others are shared by families."""

    def check(self, config: QuestionConfig, world: WorldConfig) -> None:
        """Raise ConfigError, naming the key and how to fix it, where the questions cannot be made in such a world."""
        ...

    def questions(self, world: World, config: QuestionConfig, split: str) -> Iterator[Question]:
        """Yield the questions of a split (`train`, `held` or `test`), person by person."""
        ...


@cache
def _families() -> dict[str, ModuleType]:
    modules = [importlib.import_module(f"{__name__}.{module.name}") for module in pkgutil.iter_modules(__path__)]
    return {module.__name__.rpartition(".")[2]: module for module in modules if hasattr(module, "questions")}


def families() -> list[str]:
    """Return the names of all question families."""
    return sorted(_families())


def _family(name: str) -> Family:
    if name not in families():
        raise ConfigError(f"questions.family={name}: choose one of {', '.join(families())}")
    return cast(Family, _families()[name])


def check(config: QuestionConfig, world: WorldConfig) -> None:
    """Raise ConfigError, naming the key and how to fix it, where the questions cannot be made."""
    _family(config.family).check(config, world)


def generate(world: World, config: QuestionConfig, split: str) -> list[Question]:
    """Return the questions of a split (`train`, `held` or `test`), person by person.

    Raises ConfigError as `check` does, and where nobody is left to train on.
    """
    check(config, world.config)
    if split == "held" and not config.held_share:
        return []
    return list(_family(config.family).questions(world, config, split))
