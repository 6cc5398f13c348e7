"""Extraction: exact match on questions, and on the values within biographies (Part 3.1, section 2.3)."""

from pathlib import Path
from typing import TYPE_CHECKING

from data_gen.config import TaskConfig
from data_gen.questions.question import SPLITS
from physics_lm import needs
from physics_lm.config.probe import ProbeConfig as Config
from physics_lm.subject import Subject

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["NEEDS", "VERSION", "Config", "rows"]
VERSION = 2
NEEDS = (needs.no_hints,)


def rows(subject: Subject, state: Path) -> "pd.DataFrame":
    """Return a row per question of every split and per value in an entry (task `biography`).

    prediction: for a question, what the model writes; for a value, its likeliest tokens under teacher
    forcing. Questions of a family that is a table of tasks also have the columns of `wording_columns`.
    """
    import pandas as pd

    from physics_lm.inference.item_rows import item_row, value_questions, wording_columns

    reader, probe = subject.reader, subject.config.probe
    questions = [question for split in SPLITS for question in subject.questions(split)]
    scores = reader.answer(questions)
    items = [item_row(question, score, probe.kind) for question, score in zip(questions, scores, strict=True)]
    if isinstance(subject.config.questions, TaskConfig):
        items = [item | wording_columns(question) for item, question in zip(items, questions, strict=True)]
    entries = [entry for entry in subject.entries if entry.spans]
    values = value_questions(subject.worlds, entries)
    scores = reader.score_entries(entries)
    items += [item_row(value, score, probe.kind) for value, score in zip(values, scores, strict=True)]
    return pd.DataFrame(items)
