"""Questions about people, a module for each family of tasks; `family` finds it by name."""

import importlib
import pkgutil
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol, cast

from data_gen.config import ConfigError, QuestionConfig, WorldConfig
from data_gen.world import World

SPLITS = ("train", "held", "test")


@dataclass(frozen=True)
class Question:
    """One question: `prompt` + " " + `told` is its text, and `gold` ends in the full stop.

    hint: what is to be written before the answer, ending in a full stop, or nothing. other: the second person
    of a pair. wording: which of the task's prompts. heldout: whether that prompt is never trained on. chance:
    the share of right answers for the task's most frequent answer, among all people. ceiling: the share of
    right answers for who knows everything, below 1 where several people fit the question.
    """

    task: str
    person: int
    attribute: str
    split: str
    prompt: str
    gold: str
    hint: str = ""
    other: int = -1
    wording: int = 0
    heldout: bool = False
    chance: float = 0.0
    ceiling: float = 1.0

    @property
    def told(self) -> str:
        """What is learned after the prompt: the answer, with the hint before it where there is one."""
        return f"{self.hint} {self.gold}" if self.hint else self.gold

    @property
    def text(self) -> str:
        """The question with its answer, as a model is trained on it."""
        return f"{self.prompt} {self.told}"


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
