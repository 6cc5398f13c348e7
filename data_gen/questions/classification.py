"""Classification: parity and remainders of a birth month and of a major's luckiness (Part 3.2, section 4)."""

from dataclasses import dataclass

from data_gen.config import HintConfig, WorldConfig
from data_gen.errors import ConfigError
from data_gen.people.pools import MONTHS
from data_gen.questions import derived
from data_gen.questions.table_family import from_tasks
from data_gen.questions.task import YES_NO, Task, Tasks
from data_gen.settings import kind

VERSION = 1
EVEN = (
    "Was {name} born in an even month?",
    "Is the birth month of {name} even?",
    "Is {name} born in a month that is even?",
)
MONTH = (
    "What is the birth month of {name} modulo {count}?",
    "How much remains of the birth month of {name} divided by {count}?",
    "Modulo {count}, what is the birth month of {name}?",
)
MAJOR = (
    "What is the luckiness of the major of {name} modulo {count}?",
    "How much remains of the luckiness of the major of {name} divided by {count}?",
    "Modulo {count}, what is the luckiness of the major of {name}?",
)
_MONTH = lambda world, row: derived.date(world, row)[0], derived.month, MONTH
_MAJOR = derived.luckiness, derived.major, MAJOR


@dataclass(frozen=True)
class Config(HintConfig):
    """Tasks, hints and wordings."""

    family: str = kind("classification")


def classes(world: WorldConfig) -> dict[str, tuple[str, int]]:
    """Return attribute and class count of the paper's tasks: 2, 6, 12 (months); 5, a fifth, all of the 100 majors."""
    pool = world.pools["major"]
    months = {f"month_mod{count}": ("birth_date", count) for count in (2, 6, 12)}
    return months | {f"major_mod{count}": ("major", count) for count in (5, max(2, pool // 5), pool)}


def tasks(config: Config, world: WorldConfig) -> Tasks:
    """Return the selected tasks, `month_modM` and `major_modM` with M from 2 to the number of values.

    Raises ConfigError naming the key where a task is unknown or has more classes than values.
    """
    standard = classes(world)
    names = tuple(standard) if config.tasks == "all" else tuple(dict.fromkeys(config.tasks.split("+")))
    return {name: _task(*(standard.get(name) or _parse(config, name)), config, world) for name in names}


def _parse(config: Config, name: str) -> tuple[str, int]:
    kind, _, count = name.partition("_mod")
    if kind not in ("month", "major") or not count.isdigit():
        raise ConfigError(
            f"questions.tasks={config.tasks}: classification has no task {name!r}; choose all, or some of "
            "month_modM and major_modM joined by +"
        )
    return "major" if kind == "major" else "birth_date", int(count)


def _task(attribute: str, count: int, config: Config, world: WorldConfig) -> Task:
    values = world.pools["major"] if attribute == "major" else len(MONTHS)
    if not 2 <= count <= values:
        noun, mend = ("majors", ", or enlarge world.pools.major") if attribute == "major" else ("months", "")
        raise ConfigError(
            f"questions.tasks={config.tasks}: {count} classes of {values} {noun}; choose from 2 to {values}{mend}"
        )
    number, hint, forms = _MAJOR if attribute == "major" else _MONTH
    if attribute == "birth_date" and count == 2:
        return Task(attribute, EVEN, lambda world, row: "no" if number(world, row) % 2 else "yes", YES_NO, hint)
    wordings = tuple(text.replace("{count}", str(count)) for text in forms)
    possible_answers = tuple(str(remainder) for remainder in range(count))
    return Task(attribute, wordings, lambda world, row: str(number(world, row) % count), possible_answers, hint)


check, questions = from_tasks(tasks)
