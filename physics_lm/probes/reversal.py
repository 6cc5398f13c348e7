"""Questions about facts in both orders: on held-out paraphrases, or with the fact in context (2309.12288, 2.1)."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from data_gen.facts.fact import RANDOM
from data_gen.settings import kind
from physics_lm import needs
from physics_lm.config.probe import ProbeConfig
from physics_lm.subject import Subject

if TYPE_CHECKING:
    import pandas as pd

VERSION = 2
NEEDS = (needs.facts,)


@dataclass(frozen=True)
class Config(ProbeConfig):
    """What is asked is a setting of the facts."""

    kind: str = kind("reversal")


def rows(subject: Subject, state: Path) -> "pd.DataFrame":
    """Return a row per question; `person` is the fact's number, `fact` its id, `attribute` its subset.

    candidates: the number of facts with such a question, each with its own answer; chance is 1 / candidates. A model
    that was not trained on the facts gets embeddings for the words it lacks.
    """
    import pandas as pd

    from physics_lm import checkpoints
    from physics_lm.inference.item_rows import item_row
    from physics_lm.inference.reader import Reader

    facts, probe = subject.fact_data.facts, subject.config.probe
    questions = [question for question in facts.questions if question.task != RANDOM]
    tokenizer = subject.fact_data.extend(subject.tokenizer)
    model = checkpoints.widen(subject.model, len(tokenizer), subject.config.seed)
    scores = Reader(model, tokenizer, probe.batch).answer(questions)
    items = [item_row(question, score, probe.kind) for question, score in zip(questions, scores, strict=True)]
    table = pd.DataFrame(items)
    table["fact"] = [facts.facts[question.person].id for question in questions]
    asks_name = [question.gold.startswith(facts.facts[question.person].name) for question in questions]
    table["candidates"] = table.groupby(["task", "attribute", asks_name])["person"].transform("nunique")
    return table
