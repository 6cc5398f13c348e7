"""Extraction: exact match on questions, and the values read back in biographies (Part 3.1, section 2.3)."""

from typing import TYPE_CHECKING

import pandas as pd

from data_gen.questions.question import SPLITS
from physics_lm.data import encoding
from physics_lm.inference import exact_match

if TYPE_CHECKING:
    from physics_lm.steps import Job
from physics_lm.inference.item_rows import about, answered, readings, row


def rows(job: "Job") -> pd.DataFrame:
    """Return a row per question of every split and per value told in an entry (task `biography`).

    prediction: of a question what the model writes; of a value read back its likeliest tokens, each after the right
    ones before it. Questions of another family than extraction have the columns of `about` too.
    """
    model, vocabulary, batch = job.model, job.model_vocabulary, job.config.probe.batch
    questions = [question for split in SPLITS for question in job.asked(job.config.questions, split)]
    entries = [entry for entry in job.entries if entry.spans]
    told = list(readings(job.worlds, entries))
    kind, plain = job.config.probe.kind, job.config.questions.family == "extraction"
    scores = answered(model, vocabulary, questions, batch)
    found = [row(q, score, kind) | ({} if plain else about(q)) for q, score in zip(questions, scores, strict=True)]
    scores = exact_match.score(model, vocabulary, encoding.encode_entries(vocabulary, entries), batch)
    found += [row(item, score, kind) for item, score in zip(told, scores, strict=True)]
    return pd.DataFrame(found)
