"""Q-probe: whether an attribute is stored on the name (Part 3.1, section 6).

The model reads the start token, a full name and the end token; the probe reads the hidden state of the last.
"""

from pathlib import Path

import numpy as np
import pandas as pd

from data_gen.people.attributes import NAMES
from physics_lm.data import ragged, tokenizers
from physics_lm.probes.linear.rows import ProbedItems, linear_probe_rows
from physics_lm.probes.linear.stack import Items
from physics_lm.subject import Subject


def rows(subject: Subject, state: Path) -> pd.DataFrame:
    """Return a row per person of P_test and task (see `linear_probe_rows`); BatchNorm before the linear layer."""
    return linear_probe_rows(subject, state, probed_items(subject), (0,), "batch")


def probed_items(subject: Subject) -> ProbedItems:
    """Return every person's name between start and end token."""
    names = [subject.world.name(row) for row in range(len(subject.world))]
    end = int(subject.tokenizer.eos_token_id)
    sequences = ragged.join([[end, *ids] for ids in tokenizers.ids(subject.tokenizer, names)], end)
    items = Items(sequences, np.arange(len(names)), sequences.lengths[:, None] - 1)
    return ProbedItems(items, np.full((len(names), len(NAMES)), -1), lambda item, position: names[item])
