"""Questions about people, a module for each family of tasks; `family` finds it by name."""

import importlib
import pkgutil
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Protocol, cast

import numpy as np

from data_gen import counter
from data_gen.config import ConfigError, QuestionConfig
from data_gen.world import World

SPLITS = ("train", "held", "test")


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
    if not 0 <= config.held_share < 1:
        raise ConfigError(f"questions.held_share={config.held_share}: from 0 to below 1")


def ask(world: World, config: QuestionConfig, split: str) -> list[Question]:
    """Return the questions of a config about everyone of a split.

    Raises ConfigError as `check` does, and where nobody is left to train on.
    """
    check(config)
    family = cast(Family, importlib.import_module(f"{__name__}.{config.family}"))
    asked = family.questions(world, config, "test" if split == "test" else "train")
    if split == "test" or not config.held_share:
        return [] if split == "held" else list(asked)
    held = _held(world, config.held_share)
    chosen = [replace(q, split=split) for q in asked if (q.person in held) == (split == "held")]
    if split == "train" and not chosen:
        raise ConfigError(f"questions.held_share={config.held_share}: nobody is left to train on; lower it")
    return chosen


def _held(world: World, share: float) -> set[int]:
    """Return the people kept out of training: person by person, so that a larger share only adds to them."""
    people = np.arange(len(world)) + world.config.first_person
    return set(people[counter.unit(counter.words(world.seed, "held", people)) < share].tolist())
