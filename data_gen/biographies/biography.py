"""A biography entry with the character spans of its values, and the search for values in a text."""

import re
from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Span:
    """The position [start, end) of one attribute's value in an entry's text, in characters."""

    attribute: str
    start: int
    end: int


@dataclass(frozen=True)
class Biography:
    """One entry: its text, the person it is about, the person's group, and a span per value in text order."""

    text: str
    person_id: int
    group: str
    spans: tuple[Span, ...]


def locate_values(text: str, values: Mapping[str, str]) -> tuple[Span, ...]:
    """Return the span of each attribute's value in a text, in text order; no two overlap.

    A value counts only with a space before it and no letter or digit after it. Raises ValueError naming an
    attribute whose value is missing.
    """
    spans: list[Span] = []
    for name, value in sorted(values.items(), key=lambda item: -len(item[1])):  # Art after Art History
        for match in re.finditer(rf"(?<!\S){re.escape(value)}(?!\w)", text):
            if all(match.end() <= span.start or span.end <= match.start() for span in spans):
                spans.append(Span(name, *match.span()))
                break
        else:
            raise ValueError(f"the text lacks the value of {name}")
    return tuple(sorted(spans, key=lambda span: span.start))
