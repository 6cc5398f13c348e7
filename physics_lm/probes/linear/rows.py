"""From a trained model and what it is shown to rows of linear probes: heads, their control, their baselines."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from data_gen.errors import ConfigError
from data_gen.people.attributes import NAMES
from physics_lm.data import tokenizers
from physics_lm.data.ragged import Ragged
from physics_lm.models import direction
from physics_lm.probes.linear import classes, tasks
from physics_lm.probes.linear import training as linear_training
from physics_lm.probes.linear.classes import Classes
from physics_lm.probes.linear.stack import Array, Head, Items, Stack

if TYPE_CHECKING:
    from physics_lm.steps import Job

REAL, CONTROL = "", " shuffled"  # what a head's name ends in


@dataclass(frozen=True)
class ProbedItems:
    """What a probe looks at.

    items: the sequences. own: (E, A) at which position the attributes stand, -1 where there are no positions.
    text: of an item and a position, what has been read there.
    """

    items: Items
    own: Array
    text: Callable[[int, int], str]

    def some(self, wanted: NDArray[np.bool_]) -> "ProbedItems":
        """Return the items that are wanted."""
        index = np.flatnonzero(wanted)
        order = Ragged(
            self.items.sequences.reorder(index), np.concatenate([[0], np.cumsum(self.items.sequences.lengths[index])])
        )
        items = Items(order, self.items.row[index], self.items.place[index])
        return ProbedItems(items, self.own[index], lambda item, position: self.text(int(index[item]), position))


def heads(found: Sequence[Classes], looked: Sequence[int], job: "Job") -> list[Head]:
    """Return a head for every task and position, and after them a control for each, whose labels are shuffled.

    With `probe.shared` those of an attribute share an update, and all controls one: they have nothing to learn.
    """
    train = job.world.train
    stack = []
    for ending in (REAL, CONTROL):
        for part in found:
            label = part.label if ending == REAL else _shuffled(part.label, train, job.config.seed)
            for position in looked:
                name = f"{part.task.name}@{position}{ending}"
                shared = CONTROL if ending else part.task.attribute
                update = shared if job.config.probe.shared else name
                stack.append(Head(name, position, label, len(part.values), update))
    return stack


def _shuffled(label: Array, train: NDArray[np.bool_], seed: int) -> Array:
    """Return labels dealt anew among P_train; those of P_test stay what is asked for."""
    dealt = label.copy()
    dealt[train] = np.random.default_rng([seed, 11]).permutation(label[train])
    return dealt


def rows(job: "Job", shown: ProbedItems, looked: Sequence[int], norm: str) -> pd.DataFrame:
    """Train a stack on what is shown of P_train; return a row per item of P_test, task and position.

    Beside the columns of every probe: position, own (where the attribute stands in the item), classes, seen
    (whether P_train has the right class), majority and shuffled (whether the most frequent class of P_train, and the
    control trained on shuffled labels, are right). What fits P_train is asked too, one item of each person.
    Raises ConfigError naming what cannot be probed.
    """
    check_model(job)
    config, end = job.config.probe, int(job.model_vocabulary.eos_token_id)
    found = [classes.table(task, job.world, job.model_vocabulary) for task in tasks.tasks(config)]
    stack = Stack(job.model, heads(found, looked, job), config.rank, norm, job.config.seed, config.precision)
    train = job.world.train[shown.items.row]
    linear_training.train(stack, shown.some(train).items, end, config, job.config.seed, config.kind, job.state)
    _, first = np.unique(shown.items.row, return_index=True)
    asked = shown.some(~train | np.isin(np.arange(len(train)), first))
    said, logprob = linear_training.classify(stack, asked.items, end, config.batch)
    half = len(stack.heads) // 2
    parts = []
    for number in range(half):
        part, position = found[number // len(looked)], looked[number % len(looked)]
        parts.append(_rows(job, asked, part, position, said[[number, number + half]], logprob[number]))
    return pd.concat(parts, ignore_index=True)


def check_model(job: "Job") -> None:
    """Raise ConfigError where the model reads both ways, or its tokenizer is not the corpus's."""
    kind = job.config.probe.kind
    if direction.both_ways(job.model):
        raise ConfigError(
            f"probe.kind={kind}: looks at what was read up to a place, and this model reads both ways; choose "
            "probe=extraction"
        )
    told = [job.world.name(row) for row in range(min(100, len(job.world)))]
    if tokenizers.ids(job.model_vocabulary, told) != tokenizers.ids(job.vocabulary, told):
        raise ConfigError(
            f"model.path={job.config.model.path}: its tokenizer is not the corpus's, so that {kind} would look "
            "at other tokens; choose the tokenizer that the model was trained with"
        )


def _rows(
    job: "Job", shown: ProbedItems, part: Classes, position: int, said: Array, logprob: NDArray[np.float64]
) -> pd.DataFrame:
    """Return the rows of one head. said: (2, E) its classes, and its control's."""
    row = shown.items.row
    gold, values = part.label[row], np.array(part.values, object)
    columns: dict[str, Any] = {
        "probe": job.config.probe.kind,
        "task": part.task.kind,
        "person": row + job.world.config.first_person,
        "attribute": part.task.attribute,
        "split": np.where(job.world.train[row], "train", "test"),
        "prompt": [shown.text(item, position) for item in range(len(row))],
        "gold": values[gold],
        "prediction": values[said[0]],
        "correct": said[0] == gold,
        "tokens": 1,
        "tokens_correct": (said[0] == gold).astype(int),
        "gold_logprob": logprob,
        "position": position,
        "own": shown.own[:, NAMES.index(part.task.attribute)],
        "classes": len(part.values),
        "seen": part.seen[gold],
        "majority": gold == part.majority,
        "shuffled": said[1] == gold,
    }
    return pd.DataFrame(columns)
