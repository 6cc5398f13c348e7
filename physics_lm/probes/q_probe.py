"""Q-probe: whether an attribute is stored on the name (Part 3.1, section 6).

The model is shown the start token, a full name and the end token; the probe looks at the last.
"""

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from data_gen.people.attributes import NAMES
from physics_lm.data import ragged, tokenizers
from physics_lm.probes.linear import rows as linear_rows
from physics_lm.probes.linear.rows import ProbedItems
from physics_lm.probes.linear.stack import Items

if TYPE_CHECKING:
    from physics_lm.steps import Job


def rows(job: "Job") -> pd.DataFrame:
    """Return a row per person of P_test and task (see `probing.rows`); BatchNorm before the linear layer."""
    return linear_rows.rows(job, shown(job), (0,), "batch")


def shown(job: "Job") -> ProbedItems:
    """Return every person's name between start and end."""
    names = [job.world.name(row) for row in range(len(job.world))]
    end = int(job.model_vocabulary.eos_token_id)
    sequences = ragged.join([[end, *ids] for ids in tokenizers.ids(job.model_vocabulary, names)], end)
    items = Items(sequences, np.arange(len(names)), sequences.lengths[:, None] - 1)
    return ProbedItems(items, np.full((len(names), len(NAMES)), -1), lambda item, position: names[item])
