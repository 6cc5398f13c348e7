"""Learning curves: what a model knows while it is trained (Part 3.1, Figure 1; Zucchet et al., section 3).

Asked at every evaluation: people of P_train and P_test, and people of no corpus at all (split `unknown`).
"""

import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd
from transformers import PreTrainedModel, PreTrainedTokenizerBase

from data_gen import questions
from data_gen.biographies import recipes as entry_recipes
from data_gen.biographies import rendering
from data_gen.biographies.biography import Biography
from data_gen.corpus import auxiliary
from data_gen.people import world
from data_gen.questions.question import Question
from physics_lm.data import encoding
from physics_lm.inference import exact_match
from physics_lm.inference.item_rows import readings, row
from physics_lm.kernels import attention

if TYPE_CHECKING:
    from physics_lm.steps import Job

UNKNOWN = "unknown"
EVALS = "evals.parquet"
BATCH = 256


@dataclass(frozen=True)
class Evaluations:
    """Evaluates a model every `every` steps and after the last, a file for each evaluation in `folder`.

    items, asked: what is asked, by kind. Changes neither the model's weights nor any random state.
    """

    model: PreTrainedModel
    items: Sequence[Sequence[Question]]
    asked: Sequence[encoding.EncodedAnswers]
    tokenizer: PreTrainedTokenizerBase
    every: int
    last: int
    folder: Path

    def __call__(self, step: int) -> None:
        """Evaluate after `step` steps, where it is time to."""
        if step % self.every and step != self.last:
            return
        found = []
        for items, asked in zip(self.items, self.asked, strict=True):
            with attention.resting(self.model):
                scores = exact_match.score(self.model, self.tokenizer, asked, BATCH, title=f"evaluation at {step}")
            found += [
                {**row(item, score, "curves"), "confidence": score.confidence, "step": step}
                for item, score in zip(items, scores, strict=True)
            ]
        self.model.train()
        path = self.folder / f"eval-{step:08d}.parquet"
        pd.DataFrame(found).to_parquet(path.with_suffix(".tmp"), index=False)
        os.replace(path.with_suffix(".tmp"), path)

    def collect(self) -> pd.DataFrame:
        """Return the rows of all evaluations, in the order of training."""
        return pd.concat([pd.read_parquet(path) for path in sorted(self.folder.glob("eval-*.parquet"))])


def evaluations(job: "Job", model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase, folder: Path) -> Evaluations:
    """Return what evaluates the pretraining of a job, on `pretrain.eval_people` people of each split."""
    settings = job.config.pretrain
    asked = _questions(job, settings.eval_people)
    told, entries = _entries(job, {question.person for question in asked})
    encoded = [encoding.encode(tokenizer, asked), encoding.encode_entries(tokenizer, entries)]
    return Evaluations(model, [asked, told], encoded, tokenizer, settings.eval_every, settings.steps, folder)


def _questions(job: "Job", people: int) -> list[Question]:
    found = []
    for split in ("train", "test"):
        asked = job.asked(job.config.questions, split)
        chosen = set(list(dict.fromkeys(question.person for question in asked))[:people])
        found += [question for question in asked if question.person in chosen]
    others = _others(job, people)
    for split in ("train", "test"):
        asked = questions.ask(others, replace(job.config.questions, held_share=0.0), split)
        found += [replace(question, split=UNKNOWN) for question in asked]
    return found


def _others(job: "Job", people: int) -> world.World:
    """Return people of whom nothing is read."""
    return world.make(auxiliary.after(job.config.beside, job.config.world, people), job.config.seed)


def _entries(job: "Job", people: set[int]) -> tuple[list[Question], list[Biography]]:
    """Return one entry of each of the people, and the values it tells."""
    first = {entry.person_id: entry for entry in reversed(job.entries)}
    known = [first[person] for person in sorted(people & set(first))]
    told = list(readings(job.worlds, known))
    if job.specs.rewrite or job.config.corpus.kind == "folder":  # nobody wrote of people outside the world
        return told, known
    others = _others(job, job.config.pretrain.eval_people)
    recipes = entry_recipes.draw(others, replace(job.config.corpus, entries=1, orders=min(1, job.config.corpus.orders)))
    unknown = list(rendering.render(others, job.config.corpus, recipes))
    told += [replace(question, split=UNKNOWN) for question in readings([others], unknown)]
    return told, known + unknown
