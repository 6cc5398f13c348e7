"""Sentence templates: about 50 per attribute, in templates/ATTRIBUTE.txt, one a line (Part 3.1, section 2.1).

A template starts with `{subject}`, holds `{value}` once and may hold `{was}` and `{their}`, which agree
with the subject. The first 20 of each file are short; the laptop scale uses only these. name.txt holds the
closing sentences, whose value is the full name.
"""

import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from data_gen.errors import ConfigError, TemplateError
from data_gen.people.attributes import NAMES

FOLDER = Path(__file__).parent / "templates"
CLOSING = "name"  # sentences that tell the full name after all attributes (Part 3.2, section 6)
_HOLE = re.compile(r"\{(\w+)\}")
_HOLES = {"subject", "value", "was", "their"}
_WAS = {"He": "was", "She": "was", "They": "were"}
_THEIR = {"He": "his", "She": "her", "They": "their"}


@dataclass(frozen=True)
class Sentence:
    """A rendered sentence with the [start, end) of its subject and its value."""

    text: str
    subject: tuple[int, int]
    value: tuple[int, int]


@dataclass(frozen=True)
class Template:
    """One sentence pattern of one attribute, cut into literals and holes."""

    pieces: tuple[str, ...]

    def render(self, subject: str, value: str, pronoun: str) -> Sentence:
        """Fill the holes; `pronoun` (He, She, They) rules `{their}`, and `{was}` where it is the subject."""
        fill = {"subject": subject, "value": value, "was": _WAS.get(subject, "was"), "their": _THEIR[pronoun]}
        text, place = "", {}
        for number, piece in enumerate(self.pieces):
            start, text = len(text), text + (fill[piece] if number % 2 else piece)
            if number % 2:
                place[piece] = (start, len(text))
        return Sentence(text, place["subject"], place["value"])


def parse(text: str, where: str) -> Template:
    """Parse one line; raises TemplateError where a rule is broken (`where` is put before the message)."""
    pieces = tuple(_HOLE.split(text))
    holes = pieces[1::2]
    if set("".join(pieces[::2])) & set("{}"):
        raise TemplateError(f"{where}: a brace that belongs to no placeholder: {text!r}")
    if set(holes) - _HOLES:
        raise TemplateError(f"{where}: unknown placeholder {sorted(set(holes) - _HOLES)[0]}: {text!r}")
    if not text.startswith("{subject}") or holes.count("subject") != 1 or holes.count("value") != 1:
        raise TemplateError(f"{where}: starts with {{subject}} and holds {{value}} once: {text!r}")
    if not text.endswith(".") or text.count(".") != 1 or re.search(r"  | [.,;:!?]|[,;:!?]\S", text):
        raise TemplateError(f"{where}: one full stop, at the end, and single spaces: {text!r}")
    if re.search(r"\}\w|[^ ]\{", text[1:]) or not re.search(r"\{value\}[ .,]", text):
        raise TemplateError(f"{where}: a placeholder stands free, a space before it: {text!r}")
    return Template(pieces)


def parse_all(texts: list[str], where: str) -> tuple[Template, ...]:
    """Parse the lines of one attribute; raises TemplateError also for duplicates."""
    seen: dict[str, int] = {}
    for number, text in enumerate(texts, 1):
        key = re.sub(r"[^a-z{}]+", " ", text.lower()).strip()
        if key in seen:
            raise TemplateError(f"{where}:{number}: the same as line {seen[key]}: {text!r}")
        seen[key] = number
    return tuple(parse(text, f"{where}:{number}") for number, text in enumerate(texts, 1))


@cache
def texts(name: str) -> tuple[str, ...]:
    """Return the lines of templates/NAME.txt as they stand."""
    return tuple((FOLDER / f"{name}.txt").read_text(encoding="utf-8").splitlines())


@cache
def load(attribute: str) -> tuple[Template, ...]:
    """Load all templates of an attribute; raises TemplateError where a rule is broken."""
    path = FOLDER / f"{attribute}.txt"
    return parse_all(path.read_text(encoding="utf-8").splitlines(), path.name)


def first(attribute: str, size: int) -> tuple[Template, ...]:
    """Return the first `size` templates (0: all); raises ConfigError where there are fewer."""
    templates = load(attribute)
    if not 0 <= size <= len(templates):
        raise ConfigError(f"corpus.templates={size}: {attribute} has {len(templates)}; 0 takes all")
    return templates[:size] if size else templates


def available(size: int) -> int:
    """Return how many templates every attribute can offer under `corpus.templates=size`."""
    return min(len(first(attribute, size)) for attribute in NAMES)
