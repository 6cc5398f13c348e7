"""A task: what is asked of a person or of two, its answers, its chance level and its ceiling (Part 3.2)."""

from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import product

from data_gen.people.world import World

YES_NO = ("yes", "no")


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
