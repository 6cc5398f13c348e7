"""TODO data_gen.questions.hints."""

from data_gen.config import QuestionConfig
from data_gen.people.world import World
from data_gen.questions.task import Task

HINT, DIRECT = "<|hint|>", "<|direct|>"  # the marks that say whether a hint is wanted


def modes(world: World, config: QuestionConfig, task: Task, rows: tuple[int, ...]) -> list[tuple[str, str]]:
    """Return (mark, hint) of each form that a question takes."""
    if config.hint == "none" or task.fact is None:
        return [("", "")]
    return [(f" {HINT}", "; ".join(task.fact(world, row) for row in rows) + "."), (f" {DIRECT}", "")]
