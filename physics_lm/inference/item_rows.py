"""From questions and their scores to per-item rows, the columns that every probe shares."""

from collections.abc import Iterator, Sequence
from typing import Any

from data_gen.biographies.biography import Biography
from data_gen.people.world import World
from data_gen.questions.question import Question
from physics_lm.inference import exact_match

BIOGRAPHY = "biography"


def value_questions(worlds: Sequence[World], entries: Sequence[Biography]) -> Iterator[Question]:
    """Yield each value of each entry as a question: the prompt is the text before it, the answer is the value.

    worlds: every entry's person must be in one of them.
    """
    for entry in entries:
        world = next(world for world in worlds if world.has_person(entry.person_id))
        row = entry.person_id - world.config.first_person
        for span in entry.spans:
            before, value = entry.text[: span.start].rstrip(), entry.text[span.start : span.end]
            yield Question(BIOGRAPHY, entry.person_id, span.attribute, world.split(row), before, value)


def item_row(question: Question, score: exact_match.Score, probe: str) -> dict[str, Any]:
    """Return the row of one question and its score."""
    of_question = ("task", "person", "attribute", "split", "prompt", "gold")
    of_score = ("prediction", "correct", "tokens", "tokens_correct", "gold_logprob")
    return {"probe": probe} | {k: getattr(question, k) for k in of_question} | {k: getattr(score, k) for k in of_score}


def wording_columns(question: Question) -> dict[str, Any]:
    """Return the columns other (second person of a pair, else -1), wording, heldout, chance and ceiling.

    heldout: whether the wording is never trained on. See `Question`.
    """
    return {name: getattr(question, name) for name in ("other", "wording", "heldout", "chance", "ceiling")}
