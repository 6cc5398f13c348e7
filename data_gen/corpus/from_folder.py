"""Read entries written elsewhere: jsonl files or a `datasets` folder with text and person_id, maybe spans and group.

The person ids refer to a world. Without spans, each value is searched for in the text.
"""

import json
from collections import defaultdict
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from data_gen.biographies.biography import Biography, Span, locate_values
from data_gen.errors import AuditError, ConfigError
from data_gen.people.attributes import NAMES
from data_gen.people.world import World

MAX_PLACES = 5  # line numbers that a report lists for each kind of error


def files(path: str) -> list[Path]:
    """Return the files of a corpus in order; raises ConfigError where there is none."""
    root = Path(path)
    if root.is_file():
        return [root]
    matches = sorted(root.glob("*.jsonl")) or sorted(root.glob("*.arrow"))
    if not matches:
        raise ConfigError(f"corpus.path={path}: a jsonl file, a folder of them or a datasets folder is needed")
    return matches


def read(path: str, world: World) -> list[Biography]:
    """Return the entries at `path`.

    Raises AuditError with one report that counts the entries with each error and lists the first ones.
    """
    entries, errors = [], defaultdict(list)
    for place, row in _rows(path):
        try:
            entries.append(_entry(row, world))
        except ValueError as error:
            errors[str(error)].append(place)
    if errors:
        raise AuditError(f"corpus.path={path}: {_report(errors, len(entries))}")
    if not entries:
        raise AuditError(f"corpus.path={path}: there are no entries")
    return entries


def _report(errors: Mapping[str, list[str]], good: int) -> str:
    bad = sum(map(len, errors.values()))
    parts = []
    for message, places in sorted(errors.items(), key=lambda item: -len(item[1])):
        more = ", ..." if len(places) > MAX_PLACES else ""
        parts.append(f"{len(places)} {message} ({', '.join(places[:MAX_PLACES])}{more})")
    return f"{bad} of {bad + good} entries cannot be used: {'; '.join(parts)}"


def _rows(path: str) -> Iterator[tuple[str, Any]]:
    """Yield every row with its place, a row or line number."""
    corpus_files = files(path)
    if corpus_files[0].suffix == ".arrow":
        import datasets  # slow to import, and plans read no corpus of this kind

        data = datasets.load_from_disk(path)
        yield from ((f"row {number}", row) for number, row in enumerate(data))
        return
    for file in corpus_files:
        prefix = "line " if len(corpus_files) == 1 else f"{file.name} line "
        for number, line in enumerate(_text(file).split("\n"), 1):  # splitlines would also split at U+2028 in a text
            if line.strip():
                yield f"{prefix}{number}", _parse(line)


def _text(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError:
        raise ConfigError(f"corpus.path: {file} is no UTF-8 text; write it anew in UTF-8") from None


def _parse(line: str) -> Any:
    try:
        return json.loads(line)
    except ValueError:
        return None


def _entry(row: Any, world: World) -> Biography:
    """Return one row as an entry; raises ValueError with a message that fits a count of such rows."""
    if not isinstance(row, Mapping):
        raise ValueError("are no json objects")
    for column, kind in (("text", str), ("person_id", int)):
        if row.get(column) is None:
            raise ValueError(f"lack the column {column}")
        if not isinstance(row[column], kind) or isinstance(row[column], bool):
            raise ValueError(f"have a {column} of type {type(row[column]).__name__} instead of {kind.__name__}")
    if not world.has_person(row["person_id"]):
        raise ValueError("tell of people unknown to the world (world.people, world.first_person and seed make it)")
    values = {name: world.value(name, row["person_id"] - world.config.first_person) for name in NAMES}
    spans = _located_spans(row["text"], values) if row.get("spans") is None else _checked_spans(row, values)
    return Biography(row["text"], row["person_id"], row.get("group") or world.config.group, spans)


def _located_spans(text: str, values: Mapping[str, str]) -> tuple[Span, ...]:
    try:
        return locate_values(text, values)
    except ValueError as error:
        raise ValueError(f"have no spans, and {error}") from None


def _checked_spans(row: Mapping[str, Any], values: Mapping[str, str]) -> tuple[Span, ...]:
    try:
        spans = [Span(str(span["attribute"]), int(span["start"]), int(span["end"])) for span in row["spans"]]
    except (TypeError, KeyError, ValueError):
        raise ValueError("have spans without attribute, start and end") from None
    spans = [span for span in spans if span.attribute in values]  # a corpus may mark further attributes
    if any(not 0 <= span.start < span.end for span in spans):
        raise ValueError("have spans that begin below 0 or after their end")
    texts = {span.attribute: row["text"][span.start : span.end] for span in spans}
    for name, value in values.items():
        if texts.get(name) != value:
            raise ValueError(f"have no span that holds the {name} of their person")
    return tuple(sorted(spans, key=lambda span: span.start))
