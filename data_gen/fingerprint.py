"""Hash the content of a file or folder, so that artifact keys do not depend on its path."""

import hashlib
from functools import lru_cache
from pathlib import Path


def content_sha256(path: str) -> str:
    """Return the sha256 of a file, or of all files under a folder with their relative names.

    The hash is cached; a change of a file's size or modification time makes it new.
    """
    root = Path(path)
    files = [root] if root.is_file() else sorted(file for file in root.rglob("*") if file.is_file())
    stats = [(str(file), file.stat().st_size, file.stat().st_mtime_ns) for file in files]
    return _hash_files(str(root), tuple(stats))


@lru_cache
def _hash_files(root: str, stats: tuple[tuple[str, int, int], ...]) -> str:
    total = hashlib.sha256()
    for name, _, _ in stats:
        with open(name, "rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
        total.update(f"{Path(name).relative_to(root)} {digest}\n".encode())
    return total.hexdigest()
