"""Q-probe: whether an attribute is stored on the name (Part 3.1, section 6).

The model reads the start token, a full name and the end token; the probe reads the hidden state of the last.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from data_gen.people.attributes import NAMES
from data_gen.settings import kind
from physics_lm.probes.linear import tasks
from physics_lm.probes.linear.settings import NEEDS, LinearConfig
from physics_lm.subject import Subject

if TYPE_CHECKING:
    import pandas as pd

    from physics_lm.probes.linear.rows import ProbedItems

__all__ = ["NEEDS", "VERSION", "Config", "check", "rows"]
VERSION = 2


@dataclass(frozen=True)
class Config(LinearConfig):
    """A name has one position, its end."""

    kind: str = kind("q_probe")


def check(config: Config) -> None:
    """Raise ConfigError naming the key where there is no such task."""
    tasks.selected_tasks(config)


def rows(subject: Subject, state: Path) -> "pd.DataFrame":
    """Return a row per person of P_test and task (see `linear_probe_rows`); BatchNorm before the linear layer."""
    from physics_lm.probes.linear.rows import linear_probe_rows

    config = subject.config.probe
    assert isinstance(config, Config)
    return linear_probe_rows(subject, state, config, probed_items(subject), (0,), "batch")


def probed_items(subject: Subject) -> "ProbedItems":
    """Return every person's name between start and end token."""
    from physics_lm.data import ragged, tokenizers
    from physics_lm.probes.linear.rows import ProbedItems
    from physics_lm.probes.linear.stack import Items

    names = [subject.world.name(row) for row in range(len(subject.world))]
    end = int(subject.tokenizer.eos_token_id)
    sequences = ragged.join([[end, *ids] for ids in tokenizers.ids(subject.tokenizer, names)], end)
    items = Items(sequences, np.arange(len(names)), sequences.lengths[:, None] - 1)
    return ProbedItems(items, np.full((len(names), len(NAMES)), -1), lambda item, position: names[item])
