"""What the families of tasks share: whom to ask, in which wording, with a hint or without (Part 3.2).

A family is a table of tasks; from a task come its questions, its chance level and its ceiling.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from functools import cache
from itertools import product

import numpy as np

from data_gen import counter
from data_gen.config import ConfigError, QuestionConfig, WorldConfig
from data_gen.pools import MONTHS, Dates
from data_gen.questions import Question
from data_gen.world import World

HINT, DIRECT = "<|hint|>", "<|direct|>"  # the marks that say whether a hint is wanted
YES_NO = ("yes", "no")
TEST_PAIRS = 3  # partners that each person of P_test is compared with


@dataclass(frozen=True)
class Task:
    """What is asked of a person, or of two.

    attribute: what it is about. wordings: the prompts, with `{name}`, `{other}` or the attributes `given`.
    answer: from a world and a row, or two, to the answer. space: every answer possible, none where they are too
    many to list. fact: what a hint tells of a person; in a pair's task the answer follows from the two facts.
    people: 1 or 2. applies: who can be asked.
    """

    attribute: str
    wordings: tuple[str, ...]
    answer: Callable[..., str]
    space: Sequence[str] = ()
    fact: Callable[[World, int], str] | None = None
    people: int = 1
    given: tuple[str, ...] = ()
    applies: Callable[[World, int], bool] = lambda world, row: True


Tasks = Mapping[str, Task]


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


def questions(world: World, config: QuestionConfig, split: str, tasks: Tasks) -> Iterator[Question]:
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
        partners = _partners(world, config, split, rows, place) if pairs else []
        for name, task in tasks.items():
            limits = chances[name], ceilings[name][row] if name in ceilings else 1.0
            for asked in [(row, partner) for partner in partners] if task.people == 2 else [(row,)]:
                if task.applies(world, row):
                    yield from _asked(world, config, split, name, task, asked, limits)


def _partners(world: World, config: QuestionConfig, split: str, rows: list[int], place: int) -> list[int]:
    """Return whom the person at `place` among the rows is compared with: other people of the split, no one twice."""
    others = len(rows) - 1
    if others < 1:
        raise ConfigError(
            f"questions.share={config.share}: {config.family} compares two people, and {split} has one to ask about; "
            "take more people or a larger share"
        )
    count = min(config.pairs if split == "train" else TEST_PAIRS, others)
    steps = counter.permute(np.arange(count), others, world.seed, f"partner/{split}/{world.person(rows[place])}")
    return [rows[(place + 1 + step) % len(rows)] for step in steps.tolist()]


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
        for mark, hint in _modes(world, config, task, rows):
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


def _modes(world: World, config: QuestionConfig, task: Task, rows: tuple[int, ...]) -> list[tuple[str, str]]:
    """Return (mark, hint) of each form that a question takes."""
    if config.hint == "none" or task.fact is None:
        return [("", "")]
    return [(f" {HINT}", "; ".join(task.fact(world, row) for row in rows) + "."), (f" {DIRECT}", "")]


def chance(world: World, task: Task) -> float:
    """Return the share of right answers for a task's most frequent answer, among all people or all pairs."""
    tally: Counter[str] = Counter()
    if task.people == 1:
        tally.update(task.answer(world, row) for row in range(len(world)) if task.applies(world, row))
    else:
        assert task.fact is not None
        facts = [task.fact(world, row) for row in range(len(world))]
        count, one = Counter(facts), {fact: row for row, fact in enumerate(facts)}
        for a, b in product(count, repeat=2):
            tally[task.answer(world, one[a], one[b])] += count[a] * (count[b] - (a == b))
    return max(tally.values(), default=0) / max(1, tally.total())


def ceiling(world: World, task: Task) -> list[float]:
    """Return for every person the share of right answers of who knows all people and is given `task.given`.

    Below 1 where others with the same values have another answer (Part 3.2, section 6).
    """
    fitting: dict[tuple[int, ...], Counter[str]] = defaultdict(Counter)
    keys = list(zip(*(world.values[name].tolist() for name in task.given), strict=True))
    for row, key in enumerate(keys):
        fitting[key][task.answer(world, row)] += 1
    return [max(fitting[key].values()) / fitting[key].total() for key in keys]


def _check_unique(world: World, ceilings: Mapping[str, list[float]]) -> None:
    for name, shares in ceilings.items():
        if shared := [row for row, share in enumerate(shares) if share < 1]:
            raise ConfigError(
                f"questions.unique=true: {name} has no unique answer for {len(shared)} of {len(world)} people, "
                f"{world.name(shared[0])} among them; choose other questions.tasks or larger world.pools"
            )


def date(world: World, row: int) -> tuple[int, int, int]:
    """Return month, day and year of a person's birth."""
    dates = world.pools["birth_date"]
    assert isinstance(dates, Dates)
    return dates.parts(int(world.values["birth_date"][row]))


def luckiness(world: World, row: int) -> int:
    """Return the luckiness of a person's major: a random bijection of the majors to 0, 1, ... fixed by the seed."""
    return _lucky(world.seed, len(world.pools["major"]))[int(world.values["major"][row])]


@cache
def _lucky(seed: int, majors: int) -> tuple[int, ...]:
    return tuple(map(int, counter.permute(np.arange(majors), majors, seed, "luckiness")))


def month(world: World, row: int) -> str:
    """Return a person's birth month in words."""
    return MONTHS[date(world, row)[0] - 1]


def day(world: World, row: int) -> str:
    """Return a person's day of birth, 1 to 28."""
    return str(date(world, row)[1])


def major(world: World, row: int) -> str:
    """Return a person's major in words."""
    return world.value("major", row)
