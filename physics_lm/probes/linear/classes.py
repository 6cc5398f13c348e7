"""The classes of a linear probe's task in a world."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from transformers import PreTrainedTokenizerBase

from data_gen.errors import ConfigError
from data_gen.people.world import World
from physics_lm.data import tokenizers
from physics_lm.probes.linear.settings import LinearConfig
from physics_lm.probes.linear.tasks import FIRST, Task, selected_tasks


@dataclass(frozen=True)
class Classes:
    """The C classes of a task in a world of N people.

    values: (C,) as text. label: (N,) class of every person. seen: (C,) whether it occurs in P_train. majority: the
    most frequent class in P_train.
    """

    task: Task
    values: tuple[str, ...]
    label: NDArray[np.int64]
    seen: NDArray[np.bool_]
    majority: int


def task_classes(task: Task, world: World, tokenizer: PreTrainedTokenizerBase) -> Classes:
    """Return the classes of a task; raises ConfigError naming it where P_train has only one."""
    texts = [world.value(task.attribute, row) for row in range(len(world))]
    if task.kind == FIRST:
        first = [[ids[0]] for ids in tokenizers.ids(tokenizer, texts)]
        texts = [text.strip() for text in tokenizer.batch_decode(first)]
    values, label = np.unique(np.array(texts, object), return_inverse=True)
    count = np.bincount(label[world.train], minlength=len(values))
    if (count > 0).sum() < 2:
        raise ConfigError(
            f"probe.tasks: {task.name} has one class among the people trained on, {values[int(count.argmax())]!r}; "
            f"leave it out, or enlarge world.pools.{task.attribute}"
        )
    return Classes(task, tuple(map(str, values)), label, count > 0, int(count.argmax()))


def selected_classes(config: LinearConfig, world: World, tokenizer: PreTrainedTokenizerBase) -> list[Classes]:
    """Return the classes of each selected task; raises ConfigError where P_train has only one of a task."""
    return [task_classes(task, world, tokenizer) for task in selected_tasks(config)]
