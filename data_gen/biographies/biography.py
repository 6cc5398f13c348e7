"""TODO data_gen.biographies.biography."""

import re
from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Span:
    """Where in an entry's text [start, end) one attribute's value stands."""

    attribute: str
    start: int
    end: int


@dataclass(frozen=True)
class Biography:
    """One entry: its text, whom it tells of, and a span per value in text order."""

    text: str
    person_id: int
    group: str
    spans: tuple[Span, ...]


def locate(text: str, values: Mapping[str, str]) -> tuple[Span, ...]:
    """Return where each attribute's value stands in a text, in text order; no two share a place.

    A value stands free: a space before it, no letter or digit after it. Raises ValueError naming an attribute
    whose value is not there.
    """
    taken: list[Span] = []
    for name, value in sorted(values.items(), key=lambda item: -len(item[1])):  # Art after Art History
        for found in re.finditer(rf"(?<!\S){re.escape(value)}(?!\w)", text):
            if all(found.end() <= span.start or span.end <= found.start() for span in taken):
                taken.append(Span(name, *found.span()))
                break
        else:
            raise ValueError(f"do not tell the {name} of their person")
    return tuple(sorted(taken, key=lambda span: span.start))
