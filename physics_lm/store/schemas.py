"""Whether files of rows are as they were written, and fit together."""

from collections.abc import Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from physics_lm.store.artifacts import MANIFEST, damaged


class SchemaError(ValueError):
    """A file of a store is not as it was written, or two hold different things under one name."""


def check_sound(paths: Sequence[Path]) -> None:
    """Raise SchemaError naming a file that is not as it was written, where its manifest is there."""
    for path in paths:
        if (path.parent / MANIFEST).exists() and (damage := damaged(path.parent)):
            raise SchemaError(f"{path.parent}: {damage}; its command makes it anew, or remove its folder")


def check_schemas(paths: Sequence[Path]) -> None:
    """Raise SchemaError naming two files and the column in which they differ in kind: text, number or truth."""
    seen: dict[str, tuple[str, Path]] = {}
    for path in paths:
        try:
            schema = pq.read_schema(path)
        except pa.ArrowException as error:
            raise SchemaError(f"{path}: not a parquet file ({error}); remove its folder and run again") from None
        for part in schema:
            kind = _kind(part.type)
            before, where = seen.setdefault(part.name, (kind, path))
            if kind and not before:
                seen[part.name] = kind, path
            elif kind and kind != before:
                raise SchemaError(
                    f"column {part.name} is {before} in {where} and {kind} in {path}: rows of two versions of the lab; "
                    "load them apart with results.load(lab, runs=[...])"
                )


def _kind(part: pa.DataType) -> str:
    if pa.types.is_null(part):
        return ""
    if pa.types.is_boolean(part):
        return "truth"
    if pa.types.is_integer(part) or pa.types.is_floating(part):
        return "number"
    return "text" if pa.types.is_string(part) or pa.types.is_large_string(part) else str(part)
