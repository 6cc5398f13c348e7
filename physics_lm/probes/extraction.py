"""Extraction: exact match on questions, and the attribute tokens of the biographies (Part 3.1, section 2.3)."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from transformers import PreTrainedModel, PreTrainedTokenizerBase

from data_gen.biographies import Biography
from data_gen.questions import Question
from data_gen.world import World
from physics_lm import scoring
from physics_lm.packing import Ragged, ragged
from physics_lm.pipeline import RunConfig, columns

BIOGRAPHY = "biography"


def encode(tokenizer: PreTrainedTokenizerBase, questions: Sequence[Question]) -> tuple[Ragged, np.ndarray]:
    """Return the questions as token sequences and where their answers begin."""
    return scoring.encode(tokenizer, [q.prompt for q in questions], [q.gold for q in questions])


def rows(
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerBase,
    world: World,
    entries: Sequence[Biography],
    questions: Mapping[str, Sequence[Question]],
    config: RunConfig,
) -> pd.DataFrame:
    """Return a row per question of both splits and per value told in an entry (task `biography`)."""
    asked = [question for part in questions.values() for question in part]
    told = list(readings(world, entries))
    tables = []
    for items in (asked, told):
        sequences, starts = encode(tokenizer, items)
        scores = scoring.score(model, tokenizer, sequences, starts, config.probe.batch)
        tables.append(pd.DataFrame([_row(q, s, config.probe.kind) for q, s in zip(items, scores, strict=True)]))
    frame = pd.concat(tables, ignore_index=True)
    constants = pd.DataFrame([columns(config)] * len(frame))
    return pd.concat([frame, constants], axis=1)


def readings(world: World, entries: Iterable[Biography]) -> Iterable[Question]:
    """Yield each value of each entry as a question: the text before it, and the value."""
    for entry in entries:
        row = entry.person_id - world.config.first_person
        for span in entry.spans:
            before, value = entry.text[: span.start].rstrip(), entry.text[span.start : span.end]
            yield Question(BIOGRAPHY, entry.person_id, span.attribute, world.split(row), before, value)


def _row(question: Question, score: scoring.Score, kind: str) -> dict[str, Any]:
    return {
        "probe": kind,
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
