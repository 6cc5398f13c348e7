"""Extraction: exact match on questions, and the values read back in biographies (Part 3.1, section 2.3)."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pandas as pd
from transformers import PreTrainedModel, PreTrainedTokenizerBase

from data_gen.biographies import Biography
from data_gen.questions import SPLITS, Question
from data_gen.world import World
from physics_lm import decoding, masked, scoring

if TYPE_CHECKING:
    from physics_lm.steps import Job

BIOGRAPHY = "biography"
SPARE = 4  # tokens that an answer may be longer than the longest gold


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
    scores = scoring.score(model, vocabulary, scoring.encode_entries(vocabulary, entries), batch)
    found += [row(item, score, kind) for item, score in zip(told, scores, strict=True)]
    return pd.DataFrame(found)


def answered(
    model: PreTrainedModel, vocabulary: PreTrainedTokenizerBase, questions: Sequence[Question], batch: int
) -> list[scoring.Score]:
    """Return the questions' scores by one pass, and where that is wrong, what the model writes (greedy, in fp32).

    One pass tells right from wrong and not what would have been said: it shows the gold's tokens before each. A model
    that reads both ways restores an answer at once, and has said it.
    """
    scores = scoring.score(model, vocabulary, scoring.encode(vocabulary, questions), batch)
    wrong = [] if masked.both_ways(model) else [n for n, score in enumerate(scores) if not score.correct]
    longest = max((scores[number].tokens for number in wrong), default=0) + SPARE
    said = decoding.generate(model, vocabulary, [questions[number].prompt for number in wrong], longest, batch)
    for number, text in zip(wrong, said, strict=True):
        scores[number] = replace(scores[number], prediction=text)
    return scores


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


def about(question: Question) -> dict[str, Any]:
    """Return what sets questions of one task apart: the second person of a pair (else -1), the wording, chance.

    heldout: whether the wording is never trained on. See `Question`.
    """
    return {
        "other": question.other,
        "wording": question.wording,
        "heldout": question.heldout,
        "chance": question.chance,
        "ceiling": question.ceiling,
    }
