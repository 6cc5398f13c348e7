"""Hints: the fact that an answer follows from, written before the answer, and the marks that request it."""

from data_gen.config import TaskConfig
from data_gen.people.world import World
from data_gen.questions.task import Rows, Task

HINT, DIRECT = "<|hint|>", "<|direct|>"  # prompt marks: answer with the hint first, or at once


def hint_forms(world: World, config: TaskConfig, task: Task, rows: Rows) -> list[tuple[str, str]]:
    """Return (mark, hint) of each form of a question; hint=half gives one form with the hint and one without."""
    if config.hint == "none" or task.hint is None:
        return [("", "")]
    return [(f" {HINT}", "; ".join(task.hint(world, row) for row in rows) + "."), (f" {DIRECT}", "")]
