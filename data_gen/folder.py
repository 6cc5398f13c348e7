"""Entries written elsewhere: jsonl files or a `datasets` folder with text and person_id, maybe spans and group.

They tell of the people of a world by their ids. Where spans are not given, each value is looked for in the text.
"""

import hashlib
import json
import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

from data_gen.attributes import NAMES
from data_gen.audit import AuditError
from data_gen.biographies import Biography, Span
from data_gen.config import ConfigError
from data_gen.world import World

SHOWN = 5  # line numbers of each kind of complaint


def files(path: str) -> list[Path]:
    """Return the files of a corpus in order; raises ConfigError where there is none."""
    place = Path(path)
    if place.is_file():
        return [place]
    found = sorted(place.glob("*.jsonl")) if list(place.glob("*.jsonl")) else sorted(place.glob("*.arrow"))
    if not found:
        raise ConfigError(f"corpus.path={path}: a jsonl file, a folder of them or a datasets folder is needed")
    return found


def fingerprint(path: str) -> str:
    """Return the sha256 of everything at a path, a file or a folder: what decides a key instead of where it lies."""
    place = Path(path)
    parts = [place] if place.is_file() else sorted(part for part in place.rglob("*") if part.is_file())
    names = [(str(part), part.stat().st_size, part.stat().st_mtime_ns) for part in parts]
    return _fingerprint(str(place), tuple(names))


@lru_cache
def _fingerprint(place: str, parts: tuple[tuple[str, int, int], ...]) -> str:
    whole = hashlib.sha256()
    for name, _, _ in parts:
        with open(name, "rb") as file:
            whole.update(
                f"{Path(name).relative_to(place)} {hashlib.file_digest(file, 'sha256').hexdigest()}\n".encode()
            )
    return whole.hexdigest()


def read(path: str, world: World) -> list[Biography]:
    """Return the entries at `path`.

    Raises AuditError with one report of everything that is wrong: how many entries, and where the first are.
    """
    entries, wrong = [], defaultdict(list)
    for place, row in _rows(path):
        try:
            entries.append(_entry(row, world))
        except ValueError as error:
            wrong[str(error)].append(place)
    if wrong:
        raise AuditError(f"corpus.path={path}: {_report(wrong, len(entries))}")
    if not entries:
        raise AuditError(f"corpus.path={path}: there are no entries")
    return entries


def _report(wrong: Mapping[str, list[str]], good: int) -> str:
    bad = sum(map(len, wrong.values()))
    parts = []
    for what, places in sorted(wrong.items(), key=lambda item: -len(item[1])):
        more = ", ..." if len(places) > SHOWN else ""
        parts.append(f"{len(places)} {what} ({', '.join(places[:SHOWN])}{more})")
    return f"{bad} of {bad + good} entries cannot be used: {'; '.join(parts)}"


def _rows(path: str) -> Iterator[tuple[str, Any]]:
    """Yield every row with the place it stands at."""
    found = files(path)
    if found[0].suffix == ".arrow":
        import datasets  # slow to import, and plans read no corpus of this kind

        data = datasets.load_from_disk(path)
        yield from ((f"row {number}", row) for number, row in enumerate(data))
        return
    for file in found:
        where = "line " if len(found) == 1 else f"{file.name} line "
        for number, line in enumerate(_text(file).split("\n"), 1):  # a text may hold other line ends
            if line.strip():
                yield f"{where}{number}", _parsed(line)


def _text(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError:
        raise ConfigError(f"corpus.path: {file} is no UTF-8 text; write it anew in UTF-8") from None


def _parsed(line: str) -> Any:
    try:
        return json.loads(line)
    except ValueError:
        return None


def _entry(row: Any, world: World) -> Biography:
    """Return one row as an entry; raises ValueError with a complaint that counts entries of its kind."""
    if not isinstance(row, Mapping):
        raise ValueError("are no json objects")
    for column, kind in (("text", str), ("person_id", int)):
        if row.get(column) is None:
            raise ValueError(f"lack the column {column}")
        if not isinstance(row[column], kind) or isinstance(row[column], bool):
            raise ValueError(f"have a {column} of type {type(row[column]).__name__} instead of {kind.__name__}")
    number = row["person_id"] - world.config.first_person
    if not 0 <= number < len(world):
        raise ValueError("tell of people unknown to the world (world.people, world.first_person and seed make it)")
    values = {name: world.value(name, number) for name in NAMES}
    spans = locate(row["text"], values) if row.get("spans") is None else _given(row, values)
    return Biography(row["text"], row["person_id"], row.get("group") or world.config.group, spans)


def _given(row: Mapping[str, Any], values: Mapping[str, str]) -> tuple[Span, ...]:
    try:
        spans = [Span(str(span["attribute"]), int(span["start"]), int(span["end"])) for span in row["spans"]]
    except (TypeError, KeyError, ValueError):
        raise ValueError("have spans without attribute, start and end") from None
    spans = [span for span in spans if span.attribute in values]  # others are no attribute of the world
    if any(not 0 <= span.start < span.end for span in spans):
        raise ValueError("have spans that begin below 0 or after their end")
    told = {span.attribute: row["text"][span.start : span.end] for span in spans}
    for name, value in values.items():
        if told.get(name) != value:
            raise ValueError(f"have no span that holds the {name} of their person")
    return tuple(sorted(spans, key=lambda span: span.start))


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
