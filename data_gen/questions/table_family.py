"""The shared part of the question families: selection of people, wordings and hints (Part 3.2).

A family is a table of tasks; each task determines its questions, its chance level and its ceiling.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from data_gen import counter
from data_gen.config import QuestionConfig, TaskConfig, WorldConfig
from data_gen.errors import ConfigError
from data_gen.people.world import World
from data_gen.questions.hints import hint_forms
from data_gen.questions.pairs import partner_rows
from data_gen.questions.question import Question
from data_gen.questions.task import Rows, Task, Tasks, ceiling, chance

MakeTasks = Callable[[Any, WorldConfig], Tasks]
CheckFamily = Callable[[Any, WorldConfig], None]
MakeQuestions = Callable[[World, Any, str], Iterator[Question]]


def check_share(config: QuestionConfig, world: WorldConfig) -> None:
    """Raise ConfigError naming the key where questions are about more people than P_train has."""
    if config.share > world.train_share:
        raise ConfigError(
            f"questions.share={config.share}: people of P_train as a share of all, from 0 (all of them) to "
            f"world.train_share={world.train_share}"
        )


def check(config: TaskConfig, world: WorldConfig, tasks: Tasks) -> None:
    """Raise ConfigError naming the key where the questions cannot be made in such a world."""
    check_share(config, world)
    if config.wordings > (most := min(len(task.wordings) for task in tasks.values())):
        raise ConfigError(f"questions.wordings={config.wordings}: choose between 1 and {most}")


def from_tasks(tasks: MakeTasks) -> tuple[CheckFamily, MakeQuestions]:
    """Return the `check` and the `questions` of a family that is a table of tasks.

    tasks: makes the table of a config and a world's settings.
    """

    def check_family(config: TaskConfig, world: WorldConfig) -> None:
        check(config, world, tasks(config, world))

    def questions_of(world: World, config: TaskConfig, split: str) -> Iterator[Question]:
        return generate_questions(world, config, split, tasks(config, world.config))

    return check_family, questions_of


def select_names(config: TaskConfig, names: Sequence[str]) -> tuple[str, ...]:
    """Return the task names in `questions.tasks`, or all of a family's `names`; raises ConfigError for others."""
    if config.tasks == "all":
        return tuple(names)
    selected = tuple(dict.fromkeys(config.tasks.split("+")))
    if unknown := [name for name in selected if name not in names]:
        raise ConfigError(
            f"questions.tasks={config.tasks}: {config.family} has no task {unknown[0]!r}; choose all, or some of "
            f"{', '.join(names)} joined by +"
        )
    return selected


def eligible_rows(world: World, config: QuestionConfig, split: str) -> list[int]:
    """Return the rows of the people with questions in a split (`train`, `held` or `test`).

    `held` and a smaller `questions.share` are decided person by person, so raising either only adds people. Pairs
    are drawn within these rows, so no person of split `held` or `test` is a partner of a person of `train`. Raises
    ConfigError where nobody is left to train on.
    """
    if split == "test":
        return np.flatnonzero(~world.train).tolist()
    ids = np.arange(len(world)) + world.config.first_person
    held = counter.unit(counter.words(world.seed, "held", ids)) < config.held_share
    eligible = world.train & (world.split_score < (config.share or 1.0)) & (held == (split == "held"))
    if split == "train" and not eligible.any():
        key = f"questions.held_share={config.held_share}" if config.held_share else f"questions.share={config.share}"
        mend = "lower it" if config.held_share else "raise it"
        raise ConfigError(f"{key}: nobody of {len(world)} people is left to train on; {mend}")
    return np.flatnonzero(eligible).tolist()


def generate_questions(world: World, config: TaskConfig, split: str, tasks: Tasks) -> Iterator[Question]:
    """Yield the questions of a split, person by person.

    Training questions use every training wording; the other splits use the first of them and the first held-out one.
    With hint=half every question comes twice, with its hint and without.
    """
    rows = eligible_rows(world, config, split)
    chances = {name: chance(world, task) for name, task in tasks.items()}
    ceilings = {name: ceiling(world, task) for name, task in tasks.items() if task.clues}
    if config.unique:
        _check_unique(world, ceilings)
    paired = any(task.people == 2 for task in tasks.values())
    for place, row in enumerate(rows):
        partners = partner_rows(world, config, split, rows, place) if paired else []
        for name, task in tasks.items():
            if task.applies(world, row):
                limits = chances[name], ceilings[name][row] if name in ceilings else 1.0
                for group in [(row, partner) for partner in partners] if task.people == 2 else [(row,)]:
                    yield from _forms(world, config, split, name, task, group, limits)


def _forms(
    world: World, config: TaskConfig, split: str, name: str, task: Task, rows: Rows, limits: tuple[float, float]
) -> Iterator[Question]:
    """Yield a question in each of its wordings, with and without hint. limits: its chance level and ceiling."""
    gold = f"{task.answer(world, *rows)}."
    person, other = (*map(world.person_id, rows), -1)[:2]
    words = {clue: world.value(clue, rows[0]) for clue in task.clues}
    words |= dict(zip(("name", "other"), map(world.name, rows), strict=False))
    held_wordings = range(config.wordings, len(task.wordings))
    for wording in range(config.wordings) if split == "train" else (0, *held_wordings[:1]):
        text, held_out = task.wordings[wording].format(**words), wording >= config.wordings
        for mark, hint in hint_forms(world, config, task, rows):
            prompt = f"{text}{mark} Answer:"
            yield Question(name, person, task.attribute, split, prompt, gold, hint, other, wording, held_out, *limits)


def _check_unique(world: World, ceilings: Mapping[str, list[float]]) -> None:
    for name, shares in ceilings.items():
        if shared := [row for row, share in enumerate(shares) if share < 1]:
            raise ConfigError(
                f"questions.unique=true: {name} has no unique answer for {len(shared)} of {len(world)} people, "
                f"{world.name(shared[0])} among them; choose other questions.tasks or larger world.pools"
            )
