"""Manipulation: what the model writes when a fact is to be used, with a hint and without (Part 3.2).

Answers are generated; the hint that stands before one is judged apart from it.
"""

from typing import TYPE_CHECKING, Any

import pandas as pd

from data_gen.questions.hints import HINT
from data_gen.questions.question import SPLITS, Question
from physics_lm.data import encoding
from physics_lm.inference import exact_match, generation, item_rows

if TYPE_CHECKING:
    from physics_lm.steps import Job


def rows(job: "Job") -> pd.DataFrame:
    """Return a row per question of every split; of those trained on only the ones in the first wording.

    Beside the columns of every probe: other (second person of a pair, else -1), wording, heldout, chance and
    ceiling (see `Question`); hinted, whether a hint was asked for; hint, hint_prediction and hint_correct, the
    hint's own; first_correct and second_correct, whether it states the fact of each person. tokens and
    gold_logprob are of hint and answer together.
    """
    asked = [q for split in SPLITS for q in job.asked(job.config.questions, split)]
    asked = [question for question in asked if question.split != "train" or question.wording == 0]
    vocabulary, batch = job.model_vocabulary, job.config.probe.batch
    encoded = encoding.encode(vocabulary, asked)
    scores = exact_match.score(job.model, vocabulary, encoded, batch)
    longest = int((encoded.stop - encoded.start).max()) + item_rows.SPARE
    said = generation.generate(job.model, vocabulary, [question.prompt for question in asked], longest, batch)
    found = zip(asked, scores, said, strict=True)
    return pd.DataFrame([row(question, score, text, job.config.probe.kind) for question, score, text in found])


def row(question: Question, score: exact_match.Score, said: str, probe: str) -> dict[str, Any]:
    """Return the per-item row of one question, its score and the text that was generated."""
    hint, answer = part(said) if question.hint else ("", said)
    facts = [*facts_of(hint), "", ""]
    right = [fact == told for fact, told in zip(facts, facts_of(question.hint), strict=False)]
    return {
        **item_rows.row(question, score, probe),
        "prediction": answer,
        "correct": answer == question.gold,
        **item_rows.about(question),
        "hinted": HINT in question.prompt,
        "hint": question.hint,
        "hint_prediction": hint,
        "hint_correct": bool(question.hint) and hint == question.hint,
        "first_correct": bool(right) and right[0],
        "second_correct": len(right) > 1 and right[1],
    }


def part(said: str) -> tuple[str, str]:
    """Cut a generated text into hint and answer, each with its full stop; the hint is empty where there is none."""
    hint, stop, answer = said.partition(". ")
    return (hint + ".", answer) if stop else ("", said)


def facts_of(hint: str) -> list[str]:
    """Return the facts that a hint states, none for an empty hint."""
    return hint.removesuffix(".").split("; ") if hint else []
