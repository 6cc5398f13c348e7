"""Extraction: exact match on questions, and the values read back in biographies (Part 3.1, section 2.3)."""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import pandas as pd

from data_gen.biographies import Biography
from data_gen.questions import SPLITS, Question
from data_gen.world import World
from physics_lm import scoring

if TYPE_CHECKING:
    from physics_lm.steps import Job

BIOGRAPHY = "biography"


def rows(job: "Job") -> pd.DataFrame:
    """Return a row per question of every split and per value told in an entry (task `biography`)."""
    questions = [question for split in SPLITS for question in job.asked(job.config.questions, split)]
    entries = [entry for entry in job.entries if entry.spans]
    told = list(readings(job.worlds, entries))
    found = []
    for items, asked in (
        (questions, scoring.encode(job.model_vocabulary, questions)),
        (told, scoring.encode_entries(job.model_vocabulary, entries)),
    ):
        scores = scoring.score(job.model, job.model_vocabulary, asked, job.config.probe.batch)
        found += [row(item, score, job.config.probe.kind) for item, score in zip(items, scores, strict=True)]
    return pd.DataFrame(found)


def readings(worlds: Sequence[World], entries: Sequence[Biography]) -> Iterator[Question]:
    """Yield each value of each entry as a question: the text before it, and the value.

    worlds: of which one knows each entry's person.
    """
    for entry in entries:
        world = next(world for world in worlds if world.knows(entry.person_id))
        row = entry.person_id - world.config.first_person
        for span in entry.spans:
            before, value = entry.text[: span.start].rstrip(), entry.text[span.start : span.end]
            yield Question(BIOGRAPHY, entry.person_id, span.attribute, world.split(row), before, value)


def row(question: Question, score: scoring.Score, probe: str) -> dict[str, Any]:
    """Return the per-item row of one question and its score."""
    return {
        "probe": probe,
        "task": question.task,
        "person": question.person,
        "attribute": question.attribute,
        "split": question.split,
        "prompt": question.prompt,
        "gold": question.gold,
        "prediction": score.prediction,
        "correct": score.correct,
        "tokens": score.tokens,
        "tokens_correct": score.tokens_correct,
        "gold_logprob": score.gold_logprob,
    }
