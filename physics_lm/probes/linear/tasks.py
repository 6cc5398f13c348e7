"""The tasks of linear probes: an attribute's first token, or its whole value (Part 3.1, sections 5 and 6)."""

from dataclasses import dataclass
from math import inf

from data_gen.errors import ConfigError
from data_gen.people.attributes import NAMES
from physics_lm.config.probe import ProbeConfig

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


def selected_tasks(config: ProbeConfig) -> tuple[Task, ...]:
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


def check(config: ProbeConfig) -> None:
    """Raise ConfigError, naming the key, where tasks, positions or training settings of a linear probe are invalid."""
    selected_tasks(config)
    selected_positions(config)
    for key in ("steps", "rank", "examples", "save_every"):
        if getattr(config, key) < 1:
            raise ConfigError(f"probe.{key}={getattr(config, key)}: must be 1 or more")
    if config.precision not in ("auto", "bf16", "fp32"):
        raise ConfigError(f"probe.precision={config.precision}: choose auto, bf16 or fp32")
    if not 0 < config.lr < inf:
        raise ConfigError(f"probe.lr={config.lr}: must be above 0 and finite")
    if not 0 <= config.weight_decay < inf:
        raise ConfigError(f"probe.weight_decay={config.weight_decay}: 0 or more")
    if config.kind == "q_probe" and config.positions != "all":
        raise ConfigError(
            f"probe.positions={config.positions}: a Q-probe has one, the end of the name; leave it at all"
        )


def selected_positions(config: ProbeConfig) -> tuple[int, ...]:
    """Return the positions that `probe.positions` selects, 0 to 5; raises ConfigError for others."""
    choices = [str(position) for position in range(len(NAMES))]
    names = choices if config.positions == "all" else config.positions.split("+")
    if unknown := [name for name in names if name not in choices]:
        raise ConfigError(
            f"probe.positions={config.positions}: an entry tells {len(choices)} attributes and has no position "
            f"{unknown[0]}; choose all, or some of {', '.join(choices)} joined by +"
        )
    return tuple(dict.fromkeys(map(int, names)))
