"""The artifacts of a lab with their sizes and inputs, and removal that leaves no artifact without its inputs."""

import json
import logging
import os
import shutil
import time
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from data_gen.errors import ConfigError
from physics_lm.store.artifacts import MANIFEST

log = logging.getLogger(__name__)
LEFTOVERS = ("partial", "damaged", "removed")  # unfinished artifacts, those set aside, and half a removal
REQUIRED_KEYS = {"step", "key", "created", "seconds", "inputs", "files"}  # of every manifest


@dataclass(frozen=True)
class Artifact:
    """An artifact. bytes: on disk. inputs: keys by input name. needed_by: keys of this lab that were made from it."""

    step: str
    key: str
    bytes: int
    created: str
    inputs: Mapping[str, str]
    needed_by: tuple[str, ...]
    folder: Path


def manifests(lab: Path) -> dict[Path, dict[str, Any]]:
    """Return the manifests of all artifacts by folder; one that cannot be read is left out, with a warning."""
    by_folder = {}
    for path in sorted((lab / "artifacts").glob(f"*/*/{MANIFEST}")):
        try:
            manifest = json.loads(path.read_text())
            if REQUIRED_KEYS - manifest.keys():
                raise ValueError
            by_folder[path.parent] = manifest
        except (OSError, ValueError, AttributeError):
            log.warning("%s cannot be read: the artifact is damaged", path)
    return by_folder


def list_artifacts(lab: Path) -> list[Artifact]:
    """Return the complete artifacts of a lab, oldest first; warns of those whose manifests cannot be read."""
    by_folder, users = manifests(lab), defaultdict(set)
    for manifest in by_folder.values():
        for key in manifest["inputs"].values():
            users[key].add(manifest["key"])
    artifacts = [
        Artifact(m["step"], m["key"], size(f), m["created"], m["inputs"], tuple(sorted(users[m["key"]])), f)
        for f, m in by_folder.items()
    ]
    return sorted(artifacts, key=lambda artifact: (artifact.created, artifact.key))


def size(folder: Path) -> int:
    """Return the bytes of all files under a folder."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def find_artifacts(lab: Path, prefixes: Iterable[str]) -> list[Artifact]:
    """Return the artifacts whose keys begin so; raises ConfigError for a prefix of no key, or of several."""
    artifacts, selected = list_artifacts(lab), {}
    for prefix in prefixes:
        matches = [artifact for artifact in artifacts if prefix and artifact.key.startswith(prefix)]
        if len(matches) != 1:
            raise ConfigError(f"{prefix!r}: {len(matches) or 'no'} artifacts of {lab} have a key that begins so")
        selected[matches[0].key] = matches[0]
    return list(selected.values())


def with_dependents(lab: Path, artifacts: Iterable[Artifact]) -> list[Artifact]:
    """Return the artifacts and everything that was made from them."""
    by_key = {artifact.key: artifact for artifact in list_artifacts(lab)}
    selected: dict[str, Artifact] = {}
    queue = list(artifacts)
    while queue:
        artifact = queue.pop()
        if artifact.key not in selected:
            selected[artifact.key] = artifact
            queue += [by_key[key] for key in artifact.needed_by if key in by_key]
    return list(selected.values())


def remove(lab: Path, artifacts: Sequence[Artifact]) -> int:
    """Remove artifacts, each before its inputs; return the bytes freed.

    Raises ConfigError, and removes nothing, where an artifact that stays was made from one of them, or where a running
    job makes one or waits for one.
    """
    keys = {artifact.key for artifact in artifacts}
    for artifact in artifacts:
        if staying := [key for key in artifact.needed_by if key not in keys]:
            raise ConfigError(
                f"remove={artifact.key[:12]}: {len(staying)} artifacts were made from this {artifact.step}, "
                f"{', '.join(key[:12] for key in staying[:3])} among them; add users=true to remove them with it"
            )
    try:
        with ExitStack() as locks:
            for key in sorted(keys):
                locks.enter_context(FileLock(lab / "locks" / f"{key}.lock", timeout=0))
            for artifact in _dependents_first(artifacts):
                _remove_folder(lab, artifact.folder)
    except Timeout:
        raise ConfigError("remove: a running job uses one of these artifacts; wait for it to end") from None
    return sum(artifact.bytes for artifact in artifacts)


def _dependents_first(artifacts: Iterable[Artifact]) -> Iterator[Artifact]:
    """Yield artifacts so that none goes while one that was made from it is there: a kill leaves no orphans."""
    left = {artifact.key: artifact for artifact in artifacts}
    while left:
        for artifact in [artifact for artifact in left.values() if not left.keys() & set(artifact.needed_by)]:
            yield left.pop(artifact.key)


def _remove_folder(lab: Path, folder: Path) -> None:
    """Move the folder away in one step, so that nobody sees half of it, then delete it."""
    aside = lab / "removed" / f"{folder.name}-{time.time_ns()}"
    aside.parent.mkdir(exist_ok=True)
    os.replace(folder, aside)
    shutil.rmtree(aside)
    if not any(aside.parent.iterdir()):
        aside.parent.rmdir()


def leftovers(lab: Path) -> dict[str, int]:
    """Return the bytes of each kind of leftovers (see LEFTOVERS) that the lab has."""
    return {kind: size(lab / kind) for kind in LEFTOVERS if size(lab / kind)}


def clear_leftovers(lab: Path, kind: str) -> int:
    """Remove the leftovers of a kind that no running job works on; return the bytes freed."""
    freed = 0
    for folder in (lab / kind).glob("*/*" if kind == "partial" else "*"):
        try:
            with FileLock(lab / "locks" / f"{folder.name}.lock", timeout=0):
                freed += size(folder)
                shutil.rmtree(folder)
        except Timeout:
            log.warning("%s: a running job works on it; left as it is", folder)
    return freed
