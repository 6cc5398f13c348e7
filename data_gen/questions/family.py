"""What the families of tasks share: whom to ask, in which wording, with a hint or without (Part 3.2).

A family is a table of tasks; from a task come its questions, its chance level and its ceiling.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import fields

import numpy as np

from data_gen import counter
from data_gen.config import QuestionConfig, WorldConfig
from data_gen.errors import ConfigError
from data_gen.people.world import World
from data_gen.questions.hints import modes
from data_gen.questions.pairs import partners
from data_gen.questions.question import Question
from data_gen.questions.task import Task, Tasks, ceiling, chance


def check(config: QuestionConfig, world: WorldConfig, tasks: Tasks, uses: Sequence[str] = ()) -> None:
    """Raise ConfigError naming the key where a setting is impossible, or has no meaning in a family.

    uses: the settings that the family reads beside those of every family, `share` and `held_share`.
    """
    for item in fields(config):
        if item.name not in ("family", "share", "held_share", *uses) and getattr(config, item.name) != item.default:
            raise ConfigError(
                f"questions.{item.name}={getattr(config, item.name)}: questions.family={config.family} has no use for "
                f"it; leave it at {item.default}"
            )
    if not 0 <= config.share <= world.train_share:
        raise ConfigError(
            f"questions.share={config.share}: people of P_train as a share of all, from 0 (all of them) to "
            f"world.train_share={world.train_share}"
        )
    if config.hint not in ("none", "half"):
        raise ConfigError(f"questions.hint={config.hint}: choose none or half")
    if config.pairs < 1:
        raise ConfigError(f"questions.pairs={config.pairs}: must be 1 or more")
    most = min((len(task.wordings) for task in tasks.values()), default=config.wordings)
    if not 1 <= config.wordings <= most:
        raise ConfigError(f"questions.wordings={config.wordings}: choose between 1 and {most}")


def chosen(config: QuestionConfig, known: Sequence[str]) -> tuple[str, ...]:
    """Return the names in `questions.tasks`, `all` standing for the known ones; raises ConfigError for others."""
    if config.tasks == "all":
        return tuple(known)
    names = tuple(dict.fromkeys(config.tasks.split("+")))
    if unknown := [name for name in names if name not in known]:
        raise ConfigError(
            f"questions.tasks={config.tasks}: {config.family} has no task {unknown[0]!r}; choose all, or some of "
            f"{', '.join(known)} joined by +"
        )
    return names


def people(world: World, config: QuestionConfig, split: str) -> list[int]:
    """Return the rows asked about in a split (`train`, `held` or `test`); raises ConfigError where none is left.

    `held` and a smaller `questions.share` are drawn person by person, so that more of either only adds to them. Pairs
    are drawn from one such list, so that nobody kept out of training is a training person's partner.
    """
    if split == "test":
        return np.flatnonzero(~world.train).tolist()
    ids = np.arange(len(world)) + world.config.first_person
    held = counter.unit(counter.words(world.seed, "held", ids)) < config.held_share
    rows = np.flatnonzero(world.train & (world.standing < (config.share or 1.0)) & (held == (split == "held"))).tolist()
    if not rows and split == "train":
        key = f"questions.held_share={config.held_share}" if config.held_share else f"questions.share={config.share}"
        mend = "lower it" if config.held_share else "raise it"
        raise ConfigError(f"{key}: nobody of {len(world)} people is left to train on; {mend}")
    return rows


def generate(world: World, config: QuestionConfig, split: str, tasks: Tasks) -> Iterator[Question]:
    """Yield the questions of a split, person by person.

    In training every wording that is learned is asked; of P_test the first of them and the first held out.
    With hint=half every question comes twice, with its hint and without.
    """
    rows = people(world, config, split)
    chances = {name: chance(world, task) for name, task in tasks.items()}
    ceilings = {name: ceiling(world, task) for name, task in tasks.items() if task.given}
    if config.unique:
        _check_unique(world, ceilings)
    pairs = any(task.people == 2 for task in tasks.values())
    for place, row in enumerate(rows):
        compared = partners(world, config, split, rows, place) if pairs else []
        for name, task in tasks.items():
            limits = chances[name], ceilings[name][row] if name in ceilings else 1.0
            for asked in [(row, partner) for partner in compared] if task.people == 2 else [(row,)]:
                if task.applies(world, row):
                    yield from _asked(world, config, split, name, task, asked, limits)


def _asked(
    world: World,
    config: QuestionConfig,
    split: str,
    name: str,
    task: Task,
    rows: tuple[int, ...],
    limits: tuple[float, float],
) -> Iterator[Question]:
    """Yield the forms of one question. limits: its chance and its ceiling."""
    gold = f"{task.answer(world, *rows)}."
    words = {given: world.value(given, rows[0]) for given in task.given}
    words |= dict(zip(("name", "other"), map(world.name, rows), strict=False))
    for wording in _wordings(config, split, task):
        text = task.wordings[wording].format(**words)
        for mark, hint in modes(world, config, task, rows):
            yield Question(
                name,
                world.person(rows[0]),
                task.attribute,
                split,
                f"{text}{mark} Answer:",
                gold,
                hint,
                world.person(rows[1]) if len(rows) > 1 else -1,
                wording,
                wording >= config.wordings,
                *limits,
            )


def _wordings(config: QuestionConfig, split: str, task: Task) -> list[int]:
    learned = range(config.wordings)
    return list(learned) if split == "train" else [0, *range(len(task.wordings))[config.wordings :][:1]]


def _check_unique(world: World, ceilings: Mapping[str, list[float]]) -> None:
    for name, shares in ceilings.items():
        if shared := [row for row, share in enumerate(shares) if share < 1]:
            raise ConfigError(
                f"questions.unique=true: {name} has no unique answer for {len(shared)} of {len(world)} people, "
                f"{world.name(shared[0])} among them; choose other questions.tasks or larger world.pools"
            )
