"""Facts asked in both orders on held-out paraphrases, and with the fact in the prompt (2309.12288, section 2.1)."""

from typing import TYPE_CHECKING

import pandas as pd

from data_gen.facts.fact import RANDOM
from physics_lm.inference.item_rows import answered, row
from physics_lm.models import checkpoints

if TYPE_CHECKING:
    from physics_lm.steps import Job


def rows(job: "Job") -> pd.DataFrame:
    """Return a row per question asked; `person` is the fact's number, `fact` its id, `attribute` its subset.

    candidates: how many facts are asked so, each with its answer; one over it is chance. A model that has not
    read the facts is given embeddings for the words it lacks.
    """
    told = job.telling.facts
    asked = [question for question in told.asked if question.task != RANDOM]
    vocabulary = job.telling.extend(job.model_vocabulary)
    model = checkpoints.widen(job.model, len(vocabulary), job.config.seed)
    scores = answered(model, vocabulary, asked, job.config.probe.batch)
    found = [row(question, score, job.config.probe.kind) for question, score in zip(asked, scores, strict=True)]
    table = pd.DataFrame(found)
    table["fact"] = [told.facts[question.person].id for question in asked]
    named = [question.gold.startswith(told.facts[question.person].name) for question in asked]
    table["candidates"] = table.groupby(["task", "attribute", named])["person"].transform("nunique")
    return table
