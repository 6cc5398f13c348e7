"""Questions about people, a module for each family of tasks; `family` finds it by name."""

import importlib
import pkgutil
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol, cast

from data_gen.config import ConfigError, QuestionConfig
from data_gen.world import World


@dataclass(frozen=True)
class Question:
    """One question: `prompt` + " " + `gold` is its text, and `gold` ends in the full stop."""

    task: str
    person: int
    attribute: str
    split: str
    prompt: str
    gold: str

    @property
    def text(self) -> str:
        """The question with its answer, as a model is trained on it."""
        return f"{self.prompt} {self.gold}"


class Family(Protocol):
    """What a module of this package offers."""

    def questions(self, world: World, config: QuestionConfig, split: str) -> Iterator[Question]:
        """Yield the questions about everyone of a split (`train` or `test`), person by person."""
        ...


def families() -> list[str]:
    """Return the names of all question families."""
    return sorted(module.name for module in pkgutil.iter_modules(__path__))


def check(config: QuestionConfig) -> None:
    """Raise ConfigError naming the key and the mend where the questions cannot be asked."""
    if config.family not in families():
        raise ConfigError(f"questions.family={config.family}: choose one of {', '.join(families())}")


def ask(world: World, config: QuestionConfig, split: str) -> list[Question]:
    """Return the questions of a config about everyone of a split; raises ConfigError as `check` does."""
    check(config)
    family = cast(Family, importlib.import_module(f"{__name__}.{config.family}"))
    return list(family.questions(world, config, split))
