"""Checks of row files before they are read: unchanged since they were written, and of the same column types."""

from collections.abc import Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from physics_lm.store.artifacts import MANIFEST, find_damage


class SchemaError(ValueError):
    """A file of a store is not as it was written, or two files disagree about the type of a column."""


def check_digests(paths: Sequence[Path]) -> None:
    """Raise SchemaError naming a folder whose files differ from its manifest; files without one are not checked."""
    for path in paths:
        if (path.parent / MANIFEST).exists() and (damage := find_damage(path.parent)):
            raise SchemaError(f"{path.parent}: {damage}; run the command again, or remove the folder")


def check_schemas(paths: Sequence[Path]) -> None:
    """Raise SchemaError naming two files and a column that they hold as different kinds: text, number or boolean."""
    first_kinds: dict[str, tuple[str, Path]] = {}
    for path in paths:
        try:
            schema = pq.read_schema(path)
        except pa.ArrowException as error:
            raise SchemaError(f"{path}: not a parquet file ({error}); remove its folder and run again") from None
        for column in schema:
            if pa.types.is_null(column.type):
                continue
            kind = _kind(column.type)
            first_kind, first_path = first_kinds.setdefault(column.name, (kind, path))
            if kind != first_kind:
                raise SchemaError(
                    f"column {column.name} is {first_kind} in {first_path} and {kind} in {path}: rows of two versions "
                    "of the lab; load them apart with results.load(lab, runs=[...])"
                )


def _kind(data_type: pa.DataType) -> str:
    if pa.types.is_boolean(data_type):
        return "boolean"
    if pa.types.is_integer(data_type) or pa.types.is_floating(data_type):
        return "number"
    return "text" if pa.types.is_string(data_type) or pa.types.is_large_string(data_type) else str(data_type)
