"""What lies in a lab: artifacts with sizes, what each is made from, and removal that harms no other."""

import json
import logging
import os
import shutil
import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from data_gen.errors import ConfigError
from physics_lm.store.artifacts import MANIFEST

log = logging.getLogger(__name__)
LEFTOVERS = ("partial", "damaged", "removed")  # unfinished artifacts, those set aside, and half a removal
WRITTEN = {"step", "key", "created", "seconds", "inputs", "files"}  # in every manifest


@dataclass(frozen=True)
class Item:
    """One artifact. bytes: on disk. inputs: the keys it was made from. needed_by: the keys made from it, here."""

    step: str
    key: str
    bytes: int
    created: str
    inputs: Mapping[str, str]
    needed_by: tuple[str, ...]
    folder: Path


def manifests(lab: Path) -> dict[Path, dict[str, Any]]:
    """Return the manifest in every artifact's folder; one that cannot be read is left out, and said."""
    found = {}
    for path in sorted((lab / "artifacts").glob(f"*/*/{MANIFEST}")):
        try:
            manifest = json.loads(path.read_text())
            if WRITTEN - manifest.keys():
                raise ValueError
            found[path.parent] = manifest
        except (OSError, ValueError, AttributeError):
            log.warning("%s cannot be read: the artifact is damaged", path)
    return found


def items(lab: Path) -> list[Item]:
    """Return the complete artifacts of a lab, oldest first; a manifest that cannot be read is left out, and said."""
    read = manifests(lab)
    users: dict[str, list[str]] = {}
    for manifest in read.values():
        for key in manifest["inputs"].values():
            users.setdefault(key, []).append(manifest["key"])
    found = [
        Item(m["step"], m["key"], size(f), m["created"], m["inputs"], tuple(sorted(set(users.get(m["key"], [])))), f)
        for f, m in read.items()
    ]
    return sorted(found, key=lambda item: (item.created, item.key))


def size(folder: Path) -> int:
    """Return the bytes of all files under a folder."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def chosen(lab: Path, keys: Iterable[str]) -> list[Item]:
    """Return the artifacts whose keys begin so; raises ConfigError where one names none, or several."""
    known, found = items(lab), []
    for key in keys:
        same = [item for item in known if key and item.key.startswith(key)]
        if len(same) != 1:
            raise ConfigError(f"{key!r}: {len(same) or 'no'} artifacts of {lab} have a key that begins so")
        found += same
    return list({item.key: item for item in found}.values())


def with_users(lab: Path, wanted: Iterable[Item]) -> list[Item]:
    """Return the artifacts and everything that was made from them."""
    known = {item.key: item for item in items(lab)}
    found: dict[str, Item] = {}
    waiting = list(wanted)
    while waiting:
        item = waiting.pop()
        if item.key not in found:
            found[item.key] = item
            waiting += [known[key] for key in item.needed_by if key in known]
    return list(found.values())


def remove(lab: Path, wanted: Iterable[Item]) -> int:
    """Remove artifacts, those first that others were made from last; return the bytes freed.

    Raises ConfigError, and removes nothing, where an artifact that stays was made from one of them or where one
    is being made or waited for by a running job.
    """
    wanted = list(wanted)
    going = {item.key for item in wanted}
    for item in wanted:
        if staying := [key for key in item.needed_by if key not in going]:
            raise ConfigError(
                f"remove={item.key[:12]}: {len(staying)} artifacts were made from this {item.step}, "
                f"{', '.join(key[:12] for key in staying[:3])} among them; add users=true to remove them with it"
            )
    locks = [FileLock(lab / "locks" / f"{item.key}.lock", timeout=0) for item in wanted]
    try:
        for lock in locks:
            lock.acquire()
        for item in _users_first(wanted):
            _drop(lab, item.folder)
    except Timeout:
        raise ConfigError("remove: a running job uses one of these artifacts; wait for it to end") from None
    finally:
        for lock in locks:
            lock.release()
    return sum(item.bytes for item in wanted)


def _users_first(wanted: Iterable[Item]) -> Iterator[Item]:
    """Yield artifacts so that none goes while one that was made from it is there: a kill leaves no orphans."""
    left = {item.key: item for item in wanted}
    while left:
        for item in [item for item in left.values() if not left.keys() & set(item.needed_by)]:
            yield left.pop(item.key)


def _drop(lab: Path, folder: Path) -> None:
    """Move the folder away in one step, so that nobody sees half of it, then delete it."""
    aside = lab / "removed" / f"{folder.name}-{time.time_ns()}"
    aside.parent.mkdir(exist_ok=True)
    os.replace(folder, aside)
    shutil.rmtree(aside)
    if not any(aside.parent.iterdir()):
        aside.parent.rmdir()


def leftovers(lab: Path) -> dict[str, int]:
    """Return the bytes of unfinished and damaged artifacts, where there are any."""
    return {name: size(lab / name) for name in LEFTOVERS if size(lab / name)}


def clear(lab: Path, name: str) -> int:
    """Remove the leftovers of a kind (see LEFTOVERS) that no running job works on; return the bytes freed."""
    freed = 0
    for folder in (lab / name).glob("*/*" if name == "partial" else "*"):
        try:
            with FileLock(lab / "locks" / f"{folder.name}.lock", timeout=0):
                freed += size(folder)
                shutil.rmtree(folder)
        except Timeout:
            log.warning("%s: a running job works on it; left as it is", folder)
    return freed
