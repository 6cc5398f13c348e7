"""P-probe: which attributes a model knows at which position of a biography (Part 3.1, section 5).

Position i, counted from 0, is the token before the i-th value in the text.
"""

from pathlib import Path

import numpy as np
import pandas as pd

from data_gen.biographies.biography import Biography
from data_gen.errors import ConfigError
from data_gen.people.attributes import NAMES
from physics_lm.data import encoding
from physics_lm.probes.linear.rows import ProbedItems, linear_probe_rows
from physics_lm.probes.linear.stack import Items
from physics_lm.probes.linear.tasks import selected_positions
from physics_lm.subject import Subject


def rows(subject: Subject, state: Path) -> pd.DataFrame:
    """Return a row per entry of P_test, task and position (see `linear_probe_rows`); LayerNorm before the layer."""
    return linear_probe_rows(subject, state, probed_items(subject), selected_positions(subject.config.probe), "layer")


def probed_items(subject: Subject) -> ProbedItems:
    """Return every entry with its six positions; raises ConfigError where one lacks an attribute."""
    entries = subject.own_entries
    check_entries(entries)
    encoded = encoding.encode_entries(subject.tokenizer, entries)
    row = np.array([entry.person_id - subject.world.config.first_person for entry in entries])
    own = np.argsort([[NAMES.index(span.attribute) for span in entry.spans] for entry in entries], axis=1)
    token_index = encoded.start.reshape(len(entries), len(NAMES)) - 1

    def text(item: int, position: int) -> str:
        entry = entries[item]
        return entry.text[: entry.spans[position].start].rstrip()

    return ProbedItems(Items(encoded.sequences, row, token_index), own, text)


def check_entries(entries: list[Biography]) -> None:
    """Raise ConfigError naming the first entry that does not have one span per attribute, and so lacks a position."""
    for number, entry in enumerate(entries):
        attributes = [span.attribute for span in entry.spans]
        if sorted(attributes) != sorted(NAMES):
            raise ConfigError(
                f"probe.kind=p_probe: entry {number} (person {entry.person_id}) has spans of "
                f"{', '.join(attributes) or 'nothing'}, and a position is needed for each attribute; give the spans in "
                "corpus.path, or choose probe=q_probe"
            )
