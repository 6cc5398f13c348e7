"""Questions about people, a module for each family of tasks; `family` finds it by name."""

import importlib
import pkgutil
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol, cast

from data_gen.config import ConfigError
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

    def questions(self, world: World, split: str) -> Iterator[Question]:
        """Yield the questions about everyone of a split (`train` or `test`), person by person."""
        ...


def families() -> list[str]:
    """Return the names of all question families."""
    return sorted(module.name for module in pkgutil.iter_modules(__path__))


def check(name: str) -> None:
    """Raise ConfigError where there is no family of that name."""
    if name not in families():
        raise ConfigError(f"finetune.family={name}: choose one of {', '.join(families())}")


def family(name: str) -> Family:
    """Return the module of a family; raises ConfigError where there is none of that name."""
    check(name)
    return cast(Family, importlib.import_module(f"{__name__}.{name}"))
