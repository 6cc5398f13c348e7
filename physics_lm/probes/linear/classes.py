"""The classes of a linear probe's task in a world."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from transformers import PreTrainedTokenizerBase

from data_gen.errors import ConfigError
from data_gen.people.world import World
from physics_lm.data import tokenizers
from physics_lm.probes.linear.tasks import FIRST, Task


@dataclass(frozen=True)
class Classes:
    """The C classes of a task in a world of N people.

    values: (C,) in words. label: (N,) of every person. seen: (C,) whether it occurs among P_train.
    majority: the most frequent one among P_train.
    """

    task: Task
    values: tuple[str, ...]
    label: NDArray[np.int64]
    seen: NDArray[np.bool_]
    majority: int


def table(task: Task, world: World, vocabulary: PreTrainedTokenizerBase) -> Classes:
    """Return the classes of a task; raises ConfigError naming it where P_train has only one."""
    told = [world.value(task.attribute, row) for row in range(len(world))]
    if task.kind == FIRST:
        told = [text.strip() for text in vocabulary.batch_decode([[i[0]] for i in tokenizers.ids(vocabulary, told)])]
    values, label = np.unique(np.array(told, object), return_inverse=True)
    count = np.bincount(label[world.train], minlength=len(values))
    if (count > 0).sum() < 2:
        only = values[int(count.argmax())]
        raise ConfigError(
            f"probe.tasks: {task.name} has one class among the people trained on, {only!r}; leave it out, or enlarge "
            f"world.pools.{task.attribute}"
        )
    return Classes(task, tuple(map(str, values)), label, count > 0, int(count.argmax()))
