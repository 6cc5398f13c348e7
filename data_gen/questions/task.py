"""A task: a question about one person or two, its answers, its chance level and its ceiling (Part 3.2)."""

from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import product

from data_gen.people.world import World

YES_NO = ("yes", "no")


@dataclass(frozen=True)
class Task:
    """A question about one person, or two.

    attribute: the attribute that it is about. wordings: the prompts, with `{name}`, `{other}` or the attributes in
    `clues`. answer: maps a world and a row, or two, to the answer. possible_answers: empty where they are too many to
    list. hint: maps a world and a row to the hint about that person; a pair's answer follows from its two hints.
    people: 1 or 2. clues: the attributes whose values the prompt gives. applies: whether the question fits a person.
    """

    attribute: str
    wordings: tuple[str, ...]
    answer: Callable[..., str]
    possible_answers: Sequence[str] = ()
    hint: Callable[[World, int], str] | None = None
    people: int = 1
    clues: tuple[str, ...] = ()
    applies: Callable[[World, int], bool] = lambda world, row: True


Tasks = Mapping[str, Task]  # by name
Rows = tuple[int, ...]  # the row of one person, or of a pair


def chance(world: World, task: Task) -> float:
    """Return the share of a task's most frequent answer among all people, or all ordered pairs of people."""
    tally: Counter[str] = Counter()
    if task.people == 1:
        tally.update(task.answer(world, row) for row in range(len(world)) if task.applies(world, row))
    else:
        assert task.hint is not None
        hints = [task.hint(world, row) for row in range(len(world))]
        count, row_of = Counter(hints), {hint: row for row, hint in enumerate(hints)}
        for a, b in product(count, repeat=2):
            tally[task.answer(world, row_of[a], row_of[b])] += count[a] * (count[b] - (a == b))
    return max(tally.values(), default=0) / max(1, tally.total())


def ceiling(world: World, task: Task) -> list[float]:
    """Return for every person the accuracy of a reader who knows all people and sees `task.clues`.

    It is below 1 where people with the same values have different answers (Part 3.2, section 6).
    """
    answers: dict[tuple[int, ...], Counter[str]] = defaultdict(Counter)
    keys = list(zip(*(world.values[name].tolist() for name in task.clues), strict=True))
    for row, key in enumerate(keys):
        answers[key][task.answer(world, row)] += 1
    return [max(answers[key].values()) / answers[key].total() for key in keys]
