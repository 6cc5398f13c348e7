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
CLOSING = "name"  # sentences with the full name, placed after all attributes (Part 3.2, section 6)
_PLACEHOLDER = re.compile(r"\{(\w+)\}")
_PLACEHOLDERS = {"subject", "value", "was", "their"}
_THEIR = {"He": "his", "She": "her", "They": "their"}


@dataclass(frozen=True)
class Sentence:
    """A rendered sentence with the character spans [start, end) of its subject and its value."""

    text: str
    subject: tuple[int, int]
    value: tuple[int, int]


@dataclass(frozen=True)
class Template:
    """One sentence pattern of one attribute: literals and placeholders in turn, the first a literal."""

    pieces: tuple[str, ...]

    def render(self, subject: str, value: str, pronoun: str) -> Sentence:
        """Fill the placeholders; `pronoun` (He, She, They) sets `{their}`, and `{was}` where it is the subject."""
        words = {
            "subject": subject,
            "value": value,
            "was": "were" if subject == "They" else "was",
            "their": _THEIR[pronoun],
        }
        text, bounds = "", {}
        for number, piece in enumerate(self.pieces):
            start, text = len(text), text + (words[piece] if number % 2 else piece)
            if number % 2:
                bounds[piece] = (start, len(text))
        return Sentence(text, bounds["subject"], bounds["value"])


def parse(text: str, location: str) -> Template:
    """Parse one line; raises TemplateError where it breaks a rule (the message starts with `location`)."""
    pieces = tuple(_PLACEHOLDER.split(text))
    placeholders = pieces[1::2]
    if set("".join(pieces[::2])) & set("{}"):
        raise TemplateError(f"{location}: a brace that belongs to no placeholder: {text!r}")
    if unknown := sorted(set(placeholders) - _PLACEHOLDERS):
        raise TemplateError(f"{location}: unknown placeholder {unknown[0]}: {text!r}")
    if not text.startswith("{subject}") or placeholders.count("subject") != 1 or placeholders.count("value") != 1:
        raise TemplateError(f"{location}: starts with {{subject}} and holds {{value}} once: {text!r}")
    if not text.endswith(".") or text.count(".") != 1 or re.search(r"  | [.,;:!?]|[,;:!?]\S", text):
        raise TemplateError(f"{location}: one full stop, at the end, and single spaces: {text!r}")
    if re.search(r"\}\w|[^ ]\{", text[1:]) or not re.search(r"\{value\}[ .,]", text):
        raise TemplateError(f"{location}: a placeholder needs a space before it and no letter after it: {text!r}")
    return Template(pieces)


def parse_all(texts: list[str], file: str) -> tuple[Template, ...]:
    """Parse the lines of one file; raises TemplateError where one breaks a rule or repeats another."""
    seen: dict[str, int] = {}
    for number, text in enumerate(texts, 1):
        key = re.sub(r"[^a-z{}]+", " ", text.lower()).strip()
        if key in seen:
            raise TemplateError(f"{file}:{number}: the same as line {seen[key]}: {text!r}")
        seen[key] = number
    return tuple(parse(text, f"{file}:{number}") for number, text in enumerate(texts, 1))


@cache
def read_lines(name: str) -> tuple[str, ...]:
    """Return the unparsed lines of templates/NAME.txt."""
    return tuple((FOLDER / f"{name}.txt").read_text(encoding="utf-8").splitlines())


@cache
def load(attribute: str) -> tuple[Template, ...]:
    """Return all templates of an attribute; raises TemplateError where a rule is broken."""
    path = FOLDER / f"{attribute}.txt"
    return parse_all(path.read_text(encoding="utf-8").splitlines(), path.name)


def load_first(attribute: str, size: int) -> tuple[Template, ...]:
    """Return the first `size` templates (0: all); raises ConfigError where there are fewer."""
    templates = load(attribute)
    if not 0 <= size <= len(templates):
        raise ConfigError(f"corpus.templates={size}: {attribute} has {len(templates)}; 0 takes all")
    return templates[:size] if size else templates


def fewest_templates(size: int) -> int:
    """Return the number of templates that every attribute has under `corpus.templates=size`."""
    return min(len(load_first(attribute, size)) for attribute in NAMES)
