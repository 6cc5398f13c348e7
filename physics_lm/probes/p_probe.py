"""P-probe: which attributes are known at which place of a biography (Part 3.1, section 5).

Position i is the token before the value of the attribute told as number i, counted from 0.
"""

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from data_gen.biographies.biography import Biography
from data_gen.errors import ConfigError
from data_gen.people.attributes import NAMES
from physics_lm.data import encoding
from physics_lm.probes.linear import rows as linear_rows
from physics_lm.probes.linear import tasks
from physics_lm.probes.linear.rows import ProbedItems
from physics_lm.probes.linear.stack import Items

if TYPE_CHECKING:
    from physics_lm.steps import Job


def rows(job: "Job") -> pd.DataFrame:
    """Return a row per entry of P_test, task and position (see `probing.rows`); LayerNorm before the linear layer."""
    return linear_rows.rows(job, shown(job), tasks.positions(job.config.probe), "layer")


def shown(job: "Job") -> ProbedItems:
    """Return every entry with its six positions; raises ConfigError where one does not tell all attributes."""
    entries = job.own
    check(entries)
    asked = encoding.encode_entries(job.model_vocabulary, entries)
    row = np.array([entry.person_id - job.world.config.first_person for entry in entries])
    own = np.array([[_told(entry).index(name) for name in NAMES] for entry in entries])
    place = asked.start.reshape(len(entries), len(NAMES)) - 1

    def text(item: int, position: int) -> str:
        entry = entries[item]
        return entry.text[: entry.spans[position].start].rstrip()

    return ProbedItems(Items(asked.sequences, row, place), own, text)


def check(entries: list[Biography]) -> None:
    """Raise ConfigError naming the first entry that does not tell every attribute once, so that it lacks a position."""
    for number, entry in enumerate(entries):
        if sorted(_told(entry)) != sorted(NAMES):
            told = ", ".join(_told(entry)) or "nothing"
            raise ConfigError(
                f"probe.kind=p_probe: entry {number} (person {entry.person_id}) has spans of {told}, and a position is "
                "needed for each attribute; give the spans in corpus.path, or choose probe=q_probe"
            )


def _told(entry: Biography) -> list[str]:
    return [span.attribute for span in entry.spans]
