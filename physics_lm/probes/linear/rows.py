"""Rows of linear probes: each head, its control trained on shuffled labels, and the majority baseline."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from data_gen.errors import ConfigError
from data_gen.people.attributes import NAMES
from data_gen.people.world import World
from physics_lm.data import tokenizers
from physics_lm.objectives._shared import causality
from physics_lm.probes.linear.classes import Classes, selected_classes
from physics_lm.probes.linear.settings import LinearConfig
from physics_lm.probes.linear.stack import Array, Head, Items, Stack
from physics_lm.probes.linear.training import classify, train
from physics_lm.subject import Subject

REAL, CONTROL = "", " shuffled"  # suffixes of a head's name


@dataclass(frozen=True)
class ProbedItems:
    """The E items that a probe reads.

    own: (E, A) position at which each attribute's value follows, -1 for items without positions.
    text: from item and position to the text read up to there.
    """

    items: Items
    own: Array
    text: Callable[[int, int], str]

    def select(self, mask: NDArray[np.bool_]) -> "ProbedItems":
        """Return the items where the mask is set."""
        index = np.flatnonzero(mask)
        items = Items(self.items.sequences.select(index), self.items.row[index], self.items.token_index[index])
        return ProbedItems(items, self.own[index], lambda item, position: self.text(int(index[item]), position))


def build_heads(
    tables: Sequence[Classes], positions: Sequence[int], world: World, seed: int, shared: bool
) -> list[Head]:
    """Return a head for every task and position, then a control for each, whose labels are shuffled.

    shared: the heads of an attribute share an embedding update, and all controls share one: they have nothing to learn.
    """
    heads = []
    for suffix in (REAL, CONTROL):
        for table in tables:
            label = _shuffle(table.label, world.train, seed) if suffix == CONTROL else table.label
            for position in positions:
                name = f"{table.task.name}@{position}{suffix}"
                update = (suffix or table.task.attribute) if shared else name
                heads.append(Head(name, position, label, len(table.values), update))
    return heads


def _shuffle(label: Array, train: NDArray[np.bool_], seed: int) -> Array:
    """Return the labels with those of P_train permuted among themselves."""
    shuffled = label.copy()
    shuffled[train] = np.random.default_rng([seed, 11]).permutation(label[train])
    return shuffled


def linear_probe_rows(
    subject: Subject, state: Path, config: LinearConfig, probed: ProbedItems, positions: Sequence[int], norm: str
) -> pd.DataFrame:
    """Train a stack on the items of P_train; return a row per item of P_test, task and position.

    Besides the columns of every probe: position, own (the attribute's position in the item), classes, seen (whether
    P_train has the right class), majority and shuffled (whether the most frequent class of P_train, and the control,
    are right). One item per person of P_train is evaluated too, to measure the fit.
    Raises ConfigError naming what cannot be probed.
    """
    check_model(subject)
    seed, end = subject.config.seed, int(subject.tokenizer.eos_token_id)
    tables = selected_classes(config, subject.world, subject.tokenizer)
    heads = build_heads(tables, positions, subject.world, seed, config.shared)
    stack = Stack(subject.model, heads, config.rank, norm, seed, config.precision)
    in_train = subject.world.train[probed.items.row]
    train(stack, probed.select(in_train).items, end, config, seed, config.kind, state)
    _, first = np.unique(probed.items.row, return_index=True)
    evaluated = probed.select(~in_train | np.isin(np.arange(len(in_train)), first))
    predicted, logprob = classify(stack, evaluated.items, end, config.batch)
    frames, half = [], len(heads) // 2
    for number in range(half):
        table, position = tables[number // len(positions)], positions[number % len(positions)]
        pair = predicted[[number, number + half]]
        frames.append(_head_rows(subject, evaluated, table, position, pair, logprob[number]))
    return pd.concat(frames, ignore_index=True)


def check_model(subject: Subject) -> None:
    """Raise ConfigError where the model is bidirectional, or its tokenizer is not the corpus's."""
    kind = subject.config.probe.kind
    if causality.is_bidirectional(subject.model):
        raise ConfigError(
            f"probe.kind={kind}: needs a causal model, and this one is bidirectional; choose probe=extraction"
        )
    names = [subject.world.name(row) for row in range(min(100, len(subject.world)))]
    if tokenizers.ids(subject.tokenizer, names) != tokenizers.ids(subject.corpus_tokenizer, names):
        raise ConfigError(
            f"model.kind={subject.config.model.kind}: its tokenizer is not the corpus's, so that {kind} would look "
            "at other tokens; choose the tokenizer that the model was trained with"
        )


def _head_rows(
    subject: Subject, probed: ProbedItems, table: Classes, position: int, predicted: Array, logprob: NDArray[np.float64]
) -> pd.DataFrame:
    """Return the rows of one head. predicted: (2, E) classes by the head, and by its control."""
    row = probed.items.row
    gold, values = table.label[row], np.array(table.values, object)
    return pd.DataFrame(
        {
            "probe": subject.config.probe.kind,
            "task": table.task.kind,
            "person": row + subject.world.config.first_person,
            "attribute": table.task.attribute,
            "split": np.where(subject.world.train[row], "train", "test"),
            "prompt": [probed.text(item, position) for item in range(len(row))],
            "gold": values[gold],
            "prediction": values[predicted[0]],
            "correct": predicted[0] == gold,
            "tokens": 1,
            "tokens_correct": (predicted[0] == gold).astype(int),
            "gold_logprob": logprob,
            "position": position,
            "own": probed.own[:, NAMES.index(table.task.attribute)],
            "classes": len(table.values),
            "seen": table.seen[gold],
            "majority": gold == table.majority,
            "shuffled": predicted[1] == gold,
        }
    )
