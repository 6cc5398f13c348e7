"""TODO data_gen.facts.fact."""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass

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

    def entities(self, text: str) -> list[tuple[int, int]]:
        """Return where in the text [start, end) the name and the description stand, in order."""
        lower, spans = text.lower(), []
        for wordings in ((self.name,), sorted(self.descriptions, key=len, reverse=True)):
            places = [(lower.find(wording.lower()), len(wording)) for wording in wordings]
            spans += [(start, start + size) for start, size in places if start >= 0][:1]
        spans.sort()
        return [span for number, span in enumerate(spans) if not number or span[0] >= spans[number - 1][1]]


@dataclass(frozen=True)
class Facts:
    """Facts, the sentences that tell them, and what is asked of a model that has read those.

    A sentence is a Question whose answer is told: `person` is the fact's number, `attribute` its subset, `task`
    is told (a sentence of training), same or reverse (held-out paraphrases in the order of training and in the
    other), random (a reverse prompt with another fact's answer), context_same or context_reverse (the fact
    itself stands before the prompt).
    """

    facts: tuple[Fact, ...]
    told: tuple[Question, ...]
    asked: tuple[Question, ...]

    @property
    def texts(self) -> list[str]:
        """Every text that a tokenizer must know."""
        return [sentence.text for sentence in (*self.told, *self.asked)]


def in_context(facts: Facts) -> Iterator[Question]:
    """Yield for every fact with a reverse order a same and a reverse question with the fact told before it."""
    first = {(q.task, q.person): q for q in reversed((*facts.told, *facts.asked))}
    for number in range(len(facts.facts)):
        told = first.get((TOLD, number))
        for task, context in ((SAME, CONTEXT_SAME), (REVERSE, CONTEXT_REVERSE)):
            asked = first.get((task, number))
            if told and asked and (REVERSE, number) in first:
                prompt = f"{told.text} {asked.prompt}"
                yield Question(context, number, asked.attribute, "test", prompt, asked.gold)
