"""Entries written elsewhere: jsonl files or a `datasets` folder with text and person_id, maybe spans and group.

They tell of the people of a world by their ids. Where spans are not given, each value is looked for in the text.
"""

import json
from collections import defaultdict
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from data_gen.biographies.biography import Biography, Span, locate
from data_gen.errors import AuditError, ConfigError
from data_gen.people.attributes import NAMES
from data_gen.people.world import World

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
