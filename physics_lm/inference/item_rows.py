"""From questions and their scores to per-item rows, the columns that every probe shares."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

from transformers import PreTrainedModel, PreTrainedTokenizerBase

from data_gen.biographies.biography import Biography
from data_gen.people.world import World
from data_gen.questions.question import Question
from physics_lm.data import encoding
from physics_lm.inference import exact_match, generation
from physics_lm.objectives import causality

BIOGRAPHY = "biography"
SPARE_TOKENS = 4  # by which a generated answer may exceed the longest gold


def score_questions(
    model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase, questions: Sequence[Question], batch: int
) -> list[exact_match.Score]:
    """Return the scores of the questions; the prediction of a wrong one is what the model writes (greedy, in fp32).

    One pass under teacher forcing tells right from wrong, but not what the model would write. A bidirectional
    model predicts all tokens of an answer at once, so its prediction is final.
    """
    scores = exact_match.score(model, tokenizer, encoding.encode(tokenizer, questions), batch)
    wrong = [] if causality.is_bidirectional(model) else [n for n, score in enumerate(scores) if not score.correct]
    max_tokens = max((scores[number].tokens for number in wrong), default=0) + SPARE_TOKENS
    texts = generation.generate(model, tokenizer, [questions[number].prompt for number in wrong], max_tokens, batch)
    for number, text in zip(wrong, texts, strict=True):
        scores[number] = replace(scores[number], prediction=text)
    return scores


def value_questions(worlds: Sequence[World], entries: Sequence[Biography]) -> Iterator[Question]:
    """Yield each value of each entry as a question: the prompt is the text before it, the answer is the value.

    worlds: every entry's person must be in one of them.
    """
    for entry in entries:
        world = next(world for world in worlds if world.has_person(entry.person_id))
        row = entry.person_id - world.config.first_person
        for span in entry.spans:
            before, value = entry.text[: span.start].rstrip(), entry.text[span.start : span.end]
            yield Question(BIOGRAPHY, entry.person_id, span.attribute, world.split(row), before, value)


def item_row(question: Question, score: exact_match.Score, probe: str) -> dict[str, Any]:
    """Return the row of one question and its score."""
    of_question = ("task", "person", "attribute", "split", "prompt", "gold")
    of_score = ("prediction", "correct", "tokens", "tokens_correct", "gold_logprob")
    return {"probe": probe} | {k: getattr(question, k) for k in of_question} | {k: getattr(score, k) for k in of_score}


def wording_columns(question: Question) -> dict[str, Any]:
    """Return the columns other (second person of a pair, else -1), wording, heldout, chance and ceiling.

    heldout: whether the wording is never trained on. See `Question`.
    """
    return {name: getattr(question, name) for name in ("other", "wording", "heldout", "chance", "ceiling")}
