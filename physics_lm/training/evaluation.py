"""Learning curves: evaluations of a model during pretraining (Part 3.1, Figure 1; Zucchet et al., section 3).

Every evaluation covers people of P_train, of P_test, and people who are in no corpus (split `unknown`).
"""

import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import pandas as pd
from transformers import PreTrainedModel, PreTrainedTokenizerBase

from data_gen import questions
from data_gen.biographies import recipes, rendering
from data_gen.biographies.biography import Biography
from data_gen.corpus import beside
from data_gen.people import world
from data_gen.questions.question import Question
from physics_lm.data import encoding
from physics_lm.inference import exact_match
from physics_lm.inference.item_rows import item_row, value_questions
from physics_lm.kernels import attention
from physics_lm.subject import Subject

UNKNOWN = "unknown"
EVALS = "evals.parquet"
BATCH = 256


@dataclass(frozen=True)
class Evaluator:
    """Evaluates a model every `every` steps and after the last, and writes one file per evaluation into `folder`.

    items, encoded: questions, and values within entries. Never changes the model's weights or any random state.
    """

    model: PreTrainedModel
    items: Sequence[Sequence[Question]]
    encoded: Sequence[encoding.EncodedAnswers]
    tokenizer: PreTrainedTokenizerBase
    every: int
    last: int
    folder: Path

    def __call__(self, step: int) -> None:
        """Evaluate after `step` steps if an evaluation is due."""
        if step % self.every and step != self.last:
            return
        rows = []
        for items, encoded in zip(self.items, self.encoded, strict=True):
            with attention.evaluation_attention(self.model):
                scores = exact_match.score(self.model, self.tokenizer, encoded, BATCH, title=f"evaluation at {step}")
            for item, score in zip(items, scores, strict=True):
                rows.append({**item_row(item, score, "curves"), "confidence": score.confidence, "step": step})
        self.model.train()
        path = self.folder / f"eval-{step:08d}.parquet"
        pd.DataFrame(rows).to_parquet(path.with_suffix(".tmp"), index=False)
        os.replace(path.with_suffix(".tmp"), path)

    def collect(self) -> pd.DataFrame:
        """Return the rows of all evaluations, in the order of training."""
        return pd.concat([pd.read_parquet(path) for path in sorted(self.folder.glob("eval-*.parquet"))])


def build_evaluator(
    subject: Subject, model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase, folder: Path
) -> Evaluator:
    """Return the evaluator of a run's pretraining, on `pretrain.eval_people` people of each split."""
    settings, config = subject.config.pretrain, subject.config
    unseen = world.make(beside.unseen_world(config.beside, config.world, settings.eval_people), config.seed)
    items = _questions(subject, unseen)
    values, entries = _values(subject, {question.person for question in items}, unseen)
    encoded = [encoding.encode(tokenizer, items), encoding.encode_entries(tokenizer, entries)]
    return Evaluator(model, [items, values], encoded, tokenizer, settings.eval_every, settings.steps, folder)


def _questions(subject: Subject, unseen: world.World) -> list[Question]:
    """Return the questions about the first people of each split, and about the unseen people."""
    selected: list[Question] = []
    for split in ("train", "test"):
        of_split = subject.questions(split)
        people = list(dict.fromkeys(question.person for question in of_split))[: subject.config.pretrain.eval_people]
        selected += [question for question in of_split if question.person in set(people)]
    for split in ("train", "test"):
        of_unseen = questions.generate(unseen, replace(subject.config.questions, held_share=0.0), split)
        selected += [replace(question, split=UNKNOWN) for question in of_unseen]
    return selected


def _values(subject: Subject, people: set[int], unseen: world.World) -> tuple[list[Question], list[Biography]]:
    """Return the values in one entry of each of the people and the unseen people, and these entries."""
    first = {entry.person_id: entry for entry in reversed(subject.entries)}
    entries = [first[person] for person in sorted(people & set(first))]
    values = list(value_questions(subject.worlds, entries))
    corpus = subject.config.corpus
    if subject.chain.get("rewrite") or corpus.kind == "folder":  # there are no such entries about unseen people
        return values, entries
    drawn = recipes.draw(unseen, replace(corpus, entries=1, orders=min(1, corpus.orders)))
    of_unseen = list(rendering.render(unseen, corpus, drawn))
    values += [replace(value, split=UNKNOWN) for value in value_questions([unseen], of_unseen)]
    return values, entries + of_unseen
