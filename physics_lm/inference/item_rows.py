"""TODO physics_lm.inference.item_rows."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from transformers import PreTrainedModel, PreTrainedTokenizerBase

from data_gen.biographies.biography import Biography
from data_gen.people.world import World
from data_gen.questions.question import Question
from physics_lm.data import encoding
from physics_lm.inference import exact_match, generation
from physics_lm.models import direction

if TYPE_CHECKING:
    pass


BIOGRAPHY = "biography"
SPARE = 4  # tokens that an answer may be longer than the longest gold


def answered(
    model: PreTrainedModel, vocabulary: PreTrainedTokenizerBase, questions: Sequence[Question], batch: int
) -> list[exact_match.Score]:
    """Return the questions' scores by one pass, and where that is wrong, what the model writes (greedy, in fp32).

    One pass tells right from wrong and not what would have been said: it shows the gold's tokens before each. A model
    that reads both ways restores an answer at once, and has said it.
    """
    scores = exact_match.score(model, vocabulary, encoding.encode(vocabulary, questions), batch)
    wrong = [] if direction.both_ways(model) else [n for n, score in enumerate(scores) if not score.correct]
    longest = max((scores[number].tokens for number in wrong), default=0) + SPARE
    said = generation.generate(model, vocabulary, [questions[number].prompt for number in wrong], longest, batch)
    for number, text in zip(wrong, said, strict=True):
        scores[number] = replace(scores[number], prediction=text)
    return scores


def readings(worlds: Sequence[World], entries: Sequence[Biography]) -> Iterator[Question]:
    """Yield each value of each entry as a question: the text before it, and the value.

    worlds: of which one knows each entry's person.
    """
    for entry in entries:
        world = next(world for world in worlds if world.knows(entry.person_id))
        row = entry.person_id - world.config.first_person
        for span in entry.spans:
            before, value = entry.text[: span.start].rstrip(), entry.text[span.start : span.end]
            yield Question(BIOGRAPHY, entry.person_id, span.attribute, world.split(row), before, value)


def row(question: Question, score: exact_match.Score, probe: str) -> dict[str, Any]:
    """Return the per-item row of one question and its score."""
    return {
        "probe": probe,
        "task": question.task,
        "person": question.person,
        "attribute": question.attribute,
        "split": question.split,
        "prompt": question.prompt,
        "gold": question.gold,
        "prediction": score.prediction,
        "correct": score.correct,
        "tokens": score.tokens,
        "tokens_correct": score.tokens_correct,
        "gold_logprob": score.gold_logprob,
    }


def about(question: Question) -> dict[str, Any]:
    """Return what sets questions of one task apart: the second person of a pair (else -1), the wording, chance.

    heldout: whether the wording is never trained on. See `Question`.
    """
    return {
        "other": question.other,
        "wording": question.wording,
        "heldout": question.heldout,
        "chance": question.chance,
        "ceiling": question.ceiling,
    }
