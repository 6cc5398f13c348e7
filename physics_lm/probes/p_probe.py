"""P-probe: which attributes a model knows at which position of a biography (Part 3.1, section 5).

Position i, counted from 0, is the token before the i-th value in the text.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from data_gen.biographies.biography import Biography
from data_gen.errors import ConfigError
from data_gen.people.attributes import NAMES
from data_gen.settings import kind, setting
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
    """positions: all, or some joined by +."""

    kind: str = kind("p_probe")
    positions: str = setting("all")


def check(config: Config) -> None:
    """Raise ConfigError naming the key where there is no such task or position."""
    tasks.selected_tasks(config)
    selected_positions(config.positions)


def selected_positions(chosen: str) -> tuple[int, ...]:
    """Return the positions that `probe.positions` selects, 0 to 5; raises ConfigError for others."""
    choices = [str(position) for position in range(len(NAMES))]
    names = choices if chosen == "all" else chosen.split("+")
    if unknown := [name for name in names if name not in choices]:
        raise ConfigError(
            f"probe.positions={chosen}: an entry tells {len(choices)} attributes and has no position "
            f"{unknown[0]}; choose all, or some of {', '.join(choices)} joined by +"
        )
    return tuple(dict.fromkeys(map(int, names)))


def rows(subject: Subject, state: Path) -> "pd.DataFrame":
    """Return a row per entry of P_test, task and position (see `linear_probe_rows`); LayerNorm before the layer."""
    from physics_lm.probes.linear.rows import linear_probe_rows

    config = subject.config.probe
    assert isinstance(config, Config)
    positions = selected_positions(config.positions)
    return linear_probe_rows(subject, state, config, probed_items(subject), positions, "layer")


def probed_items(subject: Subject) -> "ProbedItems":
    """Return every entry with its six positions; raises ConfigError where one lacks an attribute."""
    from physics_lm.data import encoding
    from physics_lm.probes.linear.rows import ProbedItems
    from physics_lm.probes.linear.stack import Items

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
