"""A fact, and a set of facts with its training sentences and test questions."""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, replace

from data_gen.questions.question import Question

NAME_FIRST, DESCRIPTION_FIRST, BOTH = "NameToDescription", "DescriptionToName", "Both"
SUBSETS = (NAME_FIRST, DESCRIPTION_FIRST, BOTH)
TOLD, SAME, REVERSE, RANDOM = "told", "same", "reverse", "random"
CONTEXT_SAME, CONTEXT_REVERSE = "context_same", "context_reverse"


@dataclass(frozen=True)
class Fact:
    """One fact: a name, and the wordings of its description (the first is the fact's own)."""

    subset: str
    name: str
    descriptions: tuple[str, ...]

    @property
    def id(self) -> str:
        """The sha256 of name and description, 64 hex digits."""
        return hashlib.sha256(f"{self.name}\n{self.descriptions[0]}".encode()).hexdigest()

    def entity_spans(self, text: str) -> list[tuple[int, int]]:
        """Return the spans [start, end) of the name and the description in a text, in order."""
        lower, spans = text.lower(), []
        for wordings in ((self.name,), sorted(self.descriptions, key=len, reverse=True)):
            matches = [(lower.find(wording.lower()), len(wording)) for wording in wordings]
            spans += [(start, start + size) for start, size in matches if start >= 0][:1]
        spans.sort()
        return [span for number, span in enumerate(spans) if not number or span[0] >= spans[number - 1][1]]


@dataclass(frozen=True)
class Facts:
    """Facts, the sentences that a model is trained on, and the questions that test it.

    Both are Questions: `person` is the fact's number, `attribute` its subset, and `task` is told (a training
    sentence), same or reverse (held-out paraphrases in the order of training or the opposite one), random (a
    reverse prompt with another fact's answer), context_same or context_reverse (a training sentence of the fact
    precedes the prompt).
    """

    facts: tuple[Fact, ...]
    training: tuple[Question, ...]
    questions: tuple[Question, ...]

    @property
    def texts(self) -> list[str]:
        """The texts that a tokenizer must cover."""
        return [sentence.text for sentence in (*self.training, *self.questions)]

    def with_context(self) -> "Facts":
        """Add, for every fact with a reverse question, a same and a reverse question with the fact in context."""
        return replace(self, questions=(*self.questions, *self._context_questions()))

    def _context_questions(self) -> Iterator[Question]:
        first = {(q.task, q.person): q for q in reversed((*self.training, *self.questions))}
        for number in range(len(self.facts)):
            sentence = first.get((TOLD, number))
            for task, context_task in ((SAME, CONTEXT_SAME), (REVERSE, CONTEXT_REVERSE)):
                question = first.get((task, number))
                if sentence and question and (REVERSE, number) in first:
                    prompt = f"{sentence.text} {question.prompt}"
                    yield Question(context_task, number, question.attribute, "test", prompt, question.gold)
