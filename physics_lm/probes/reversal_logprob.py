"""Is the right answer more likely than the others? Its log-probability against theirs (2309.12288, section 2.1.2).

Every answer of a subset is put after every prompt, in the order of training and in the other.
"""

from collections import Counter
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from data_gen.facts.fact import BOTH, RANDOM, REVERSE, SAME, Facts
from data_gen.questions.question import Question
from physics_lm.data import encoding
from physics_lm.inference import answer_ranking, exact_match
from physics_lm.models import checkpoints

if TYPE_CHECKING:
    from physics_lm.steps import Job


def rows(job: "Job") -> pd.DataFrame:
    """Return a row per held-out question of the facts told in one order.

    gold_logprob: of the right answer; other_logprob: of a random other one; z: the right one against all others,
    in their standard deviations; rank: 1 where it is the likeliest of `candidates`; prediction: the likeliest.
    """
    told, found = job.telling.facts, []
    vocabulary = job.telling.extend(job.model_vocabulary)
    model = checkpoints.widen(job.model, len(vocabulary), job.config.seed)
    random = [question for question in told.asked if question.task == RANDOM]
    scores = exact_match.score(model, vocabulary, encoding.encode(vocabulary, random), job.config.probe.batch)
    others = {place: score.gold_logprob for place, score in zip(_places(random), scores, strict=True)}
    for (task, _, paraphrase), questions in groups(told).items():
        answers = [question.gold for question in questions]
        logprob_QxA = answer_ranking.log_probabilities(
            model, vocabulary, [question.prompt for question in questions], answers
        )
        for number, question in enumerate(questions):
            line = compare(logprob_QxA[number], number)
            other = others.get((question.person, paraphrase), np.nan) if task == REVERSE else np.nan
            common = {"probe": job.config.probe.kind, **asdict(question), "prediction": answers[line.pop("best")]}
            found.append({**common, **line, "other_logprob": other, "fact": told.facts[question.person].id})
    return pd.DataFrame(found)


def compare(logprob_A: NDArray[np.float64], right: int) -> dict[str, Any]:
    """Return how the right answer stands among all: its log-probability, z, rank, and which is the likeliest."""
    gold, rest = logprob_A[right], np.delete(logprob_A, right)
    spread = rest.std(ddof=1) if len(rest) > 1 else 0.0
    return {
        "best": int(logprob_A.argmax()),
        "correct": bool(logprob_A.argmax() == right),
        "gold_logprob": float(gold),
        "z": float((gold - rest.mean()) / spread) if spread else np.nan,
        "rank": 1 + int((rest > gold).sum()),
        "candidates": len(logprob_A),
    }


def _places(questions: list[Question]) -> list[tuple[int, int]]:
    """Return for each question the fact's number, and which of its task's questions about the fact it is."""
    seen: Counter[tuple[str, int]] = Counter()
    places = []
    for question in questions:
        places.append((question.person, seen[question.task, question.person]))
        seen[question.task, question.person] += 1
    return places


def groups(facts: Facts) -> dict[tuple[str, str, int], list[Question]]:
    """Return the held-out questions of facts told in one order, by task, subset and number of the paraphrase.

    A group asks every fact of the subset once.
    """
    asked = [q for q in facts.asked if q.task in (SAME, REVERSE) and q.attribute != BOTH]
    found: dict[tuple[str, str, int], list[Question]] = {}
    for question, (_, paraphrase) in zip(asked, _places(asked), strict=True):
        found.setdefault((question.task, question.attribute, paraphrase), []).append(question)
    return found
