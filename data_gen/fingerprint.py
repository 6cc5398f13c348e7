"""TODO data_gen.fingerprint."""

import hashlib
from functools import lru_cache
from pathlib import Path


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
