"""The tasks of linear probes: an attribute's first token, or its whole value (Part 3.1, sections 5 and 6)."""

from dataclasses import dataclass

from data_gen.errors import ConfigError
from data_gen.people.attributes import NAMES
from physics_lm.probes.linear.settings import LinearConfig

FIRST, WHOLE = "first", "whole"
DATE = "birth_date"  # has too many values to classify whole


@dataclass(frozen=True)
class Task:
    """kind: first or whole. attribute: the one whose value is predicted."""

    kind: str
    attribute: str

    @property
    def name(self) -> str:
        """The task as `probe.tasks` names it, e.g. `first_major`."""
        return f"{self.kind}_{self.attribute}"


TASKS = tuple(Task(kind, name) for kind in (FIRST, WHOLE) for name in NAMES if (kind, name) != (WHOLE, DATE))


def selected_tasks(config: LinearConfig) -> tuple[Task, ...]:
    """Return the tasks that `probe.tasks` selects of the paper's 11; raises ConfigError for others."""
    selected: list[Task] = []
    for name in config.tasks.split("+"):
        matches = [task for task in TASKS if name in ("all", task.kind, task.name)]
        if not matches:
            choices = ", ".join(("all", FIRST, WHOLE, *(task.name for task in TASKS)))
            raise ConfigError(
                f"probe.tasks={config.tasks}: there is no task {name!r}; choose from {choices}, joined by +"
            )
        selected += matches
    return tuple(dict.fromkeys(selected))
