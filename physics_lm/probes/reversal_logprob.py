"""Whether the right answer is more likely than the others, by log-probability (2309.12288, section 2.1.2).

Every answer of a subset is scored after every prompt, in the order of training and in the reverse order.
"""

from collections import Counter
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from data_gen.facts.fact import BOTH, RANDOM, REVERSE, SAME, Facts
from data_gen.questions.question import Question
from data_gen.settings import kind
from physics_lm import needs
from physics_lm.config.probe import ProbeConfig
from physics_lm.subject import Subject

if TYPE_CHECKING:
    import pandas as pd

VERSION = 2
NEEDS = (needs.facts, needs.causal_model)


@dataclass(frozen=True)
class Config(ProbeConfig):
    """What is asked is a setting of the facts."""

    kind: str = kind("reversal_logprob")


def rows(subject: Subject, state: Path) -> "pd.DataFrame":
    """Return a row per held-out question of the facts trained on in one order.

    gold_logprob: of the right answer; other_logprob: of a random other one; z: the right one against all others,
    in their standard deviations; rank: 1 where it is the likeliest of `candidates`; prediction: the likeliest.
    """
    import pandas as pd

    from physics_lm import checkpoints
    from physics_lm.inference.reader import Reader

    facts, probe, items = subject.fact_data.facts, subject.config.probe, []
    tokenizer = subject.fact_data.extend(subject.tokenizer)
    model = checkpoints.widen(subject.model, len(tokenizer), subject.config.seed)
    random = [question for question in facts.questions if question.task == RANDOM]
    reader = Reader(model, tokenizer, probe.batch)
    scores = reader.score(reader.encode(random))
    random_logprob = {key: score.gold_logprob for key, score in zip(_fact_paraphrases(random), scores, strict=True)}
    for (task, _, paraphrase), questions in question_groups(facts).items():
        answers = [question.gold for question in questions]
        prompts = [question.prompt for question in questions]
        logprob_QxA = reader.log_probabilities(prompts, answers)
        for number, question in enumerate(questions):
            ranking = rank_answer(logprob_QxA[number], number)
            other = random_logprob.get((question.person, paraphrase), np.nan) if task == REVERSE else np.nan
            common = {"probe": probe.kind, **asdict(question), "prediction": answers[ranking.pop("best")]}
            items.append({**common, **ranking, "other_logprob": other, "fact": facts.facts[question.person].id})
    return pd.DataFrame(items)


def rank_answer(logprob_A: NDArray[np.float64], right: int) -> dict[str, Any]:
    """Return the right answer's log-probability, z and rank among all answers, and the index of the likeliest."""
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


def _fact_paraphrases(questions: list[Question]) -> list[tuple[int, int]]:
    """Return for each question the fact's number, and the question's number within its task and fact."""
    counts: Counter[tuple[str, int]] = Counter()
    keys = []
    for question in questions:
        keys.append((question.person, counts[question.task, question.person]))
        counts[question.task, question.person] += 1
    return keys


def question_groups(facts: Facts) -> dict[tuple[str, str, int], list[Question]]:
    """Return the held-out questions of facts trained on in one order, by task, subset and number of the paraphrase.

    A group has one question about every fact of the subset.
    """
    questions = [q for q in facts.questions if q.task in (SAME, REVERSE) and q.attribute != BOTH]
    groups: dict[tuple[str, str, int], list[Question]] = {}
    for question, (_, paraphrase) in zip(questions, _fact_paraphrases(questions), strict=True):
        groups.setdefault((question.task, question.attribute, paraphrase), []).append(question)
    return groups
