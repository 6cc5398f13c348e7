"""Questions about facts in both orders: on held-out paraphrases, or with the fact in context (2309.12288, 2.1)."""

from pathlib import Path

import pandas as pd

from data_gen.facts.fact import RANDOM
from physics_lm.inference.item_rows import item_row, score_questions
from physics_lm.models import loading
from physics_lm.subject import Subject


def rows(subject: Subject, state: Path) -> pd.DataFrame:
    """Return a row per question; `person` is the fact's number, `fact` its id, `attribute` its subset.

    candidates: the number of facts with such a question, each with its own answer; chance is 1 / candidates. A model
    that was not trained on the facts gets embeddings for the words it lacks.
    """
    facts, probe = subject.fact_data.facts, subject.config.probe
    questions = [question for question in facts.questions if question.task != RANDOM]
    tokenizer = subject.fact_data.extend(subject.tokenizer)
    model = loading.widen(subject.model, len(tokenizer), subject.config.seed)
    scores = score_questions(model, tokenizer, questions, probe.batch)
    items = [item_row(question, score, probe.kind) for question, score in zip(questions, scores, strict=True)]
    table = pd.DataFrame(items)
    table["fact"] = [facts.facts[question.person].id for question in questions]
    asks_name = [question.gold.startswith(facts.facts[question.person].name) for question in questions]
    table["candidates"] = table.groupby(["task", "attribute", asks_name])["person"].transform("nunique")
    return table
