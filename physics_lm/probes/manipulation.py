"""Manipulation: what the model writes when a question uses a fact, with a hint and without (Part 3.2).

Answers are generated; the hint that precedes an answer is scored on its own.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from data_gen.questions.hints import HINT
from data_gen.questions.question import SPLITS, Question
from data_gen.settings import kind
from physics_lm import needs
from physics_lm.config.probe import ProbeConfig
from physics_lm.subject import Subject

if TYPE_CHECKING:
    import pandas as pd

    from physics_lm.inference.exact_match import Score

VERSION = 2
NEEDS = (needs.causal_model,)


@dataclass(frozen=True)
class Config(ProbeConfig):
    """What is asked is a setting of the questions."""

    kind: str = kind("manipulation")


def rows(subject: Subject, state: Path) -> "pd.DataFrame":
    """Return a row per question of every split; of the trained questions only those in the first wording.

    Besides the columns of every probe: those of `wording_columns`; hinted, whether the prompt requests a hint; hint,
    hint_prediction and hint_correct of the hint itself; first_correct and second_correct, whether it states the fact
    of each person. tokens and gold_logprob are of hint and answer together.
    """
    import pandas as pd

    questions = [q for split in SPLITS for q in subject.questions(split) if q.split != "train" or q.wording == 0]
    reader, probe = subject.reader, subject.config.probe
    encoded = reader.encode(questions)
    scores = reader.score(encoded)
    prompts = [question.prompt for question in questions]
    texts = reader.write(prompts, int((encoded.stop - encoded.start).max()))
    items = zip(questions, scores, texts, strict=True)
    return pd.DataFrame([manipulation_row(question, score, text, probe.kind) for question, score, text in items])


def manipulation_row(question: Question, score: "Score", text: str, probe: str) -> dict[str, Any]:
    """Return the row of one question, its score and the generated text."""
    from physics_lm.inference.item_rows import item_row, wording_columns

    hint, answer = split_hint(text) if question.hint else ("", text)
    facts = [*hint_facts(hint), "", ""]
    right = [fact == gold for fact, gold in zip(facts, hint_facts(question.hint), strict=False)]
    return {
        **item_row(question, score, probe),
        "prediction": answer,
        "correct": answer == question.gold,
        **wording_columns(question),
        "hinted": HINT in question.prompt,
        "hint": question.hint,
        "hint_prediction": hint,
        "hint_correct": bool(question.hint) and hint == question.hint,
        "first_correct": bool(right) and right[0],
        "second_correct": len(right) > 1 and right[1],
    }


def split_hint(text: str) -> tuple[str, str]:
    """Split a generated text into hint and answer, each with its full stop; the hint is empty where there is none."""
    hint, stop, answer = text.partition(". ")
    return (hint + ".", answer) if stop else ("", text)


def hint_facts(hint: str) -> list[str]:
    """Return the facts that a hint states, none for an empty hint."""
    return hint.removesuffix(".").split("; ") if hint else []
