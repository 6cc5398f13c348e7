"""The store: every step's output in lab/artifacts/STEP/KEY, complete or absent.

The key is the sha256 of the canonical JSON of the step's config, the keys before it and the step's
version number. Settings at their defaults are left out of it, so that a knob added later leaves what was
made before in its place; a changed default raises the step's version. A folder is filled aside and moved
into place whole, under a lock of its key.
"""

import hashlib
import json
import logging
import os
import shutil
import time
from collections.abc import Callable, Mapping
from dataclasses import MISSING, Field, asdict, dataclass, fields, is_dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from filelock import FileLock

from data_gen.errors import ConfigError
from physics_lm import concurrency

log = logging.getLogger(__name__)
MANIFEST = "manifest.json"


@dataclass(frozen=True)
class Spec:
    """What decides an artifact: step name, step version, its config, and the keys of its inputs."""

    step: str
    version: int
    config: Mapping[str, Any]
    inputs: Mapping[str, str]

    @property
    def key(self) -> str:
        """The artifact's key, 64 hex digits."""
        return hashlib.sha256(canonical(asdict(self)).encode()).hexdigest()


def canonical(value: Any) -> str:
    """Return the canonical JSON of plain data: sorted keys, no spaces."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False)


def spec(step: str, version: int, config: Mapping[str, Any], **inputs: Spec) -> Spec:
    """Describe an artifact by its settings (plain data and dataclasses) and the specs before it."""
    return Spec(step, version, chosen(config), {name: before.key for name, before in inputs.items()})


def chosen(value: Any) -> Any:
    """Return plain data of nested mappings and dataclasses, without fields that are at their defaults."""
    if isinstance(value, Mapping):
        return {key: chosen(part) for key, part in value.items()}
    if is_dataclass(value) and not isinstance(value, type):
        return {f.name: chosen(getattr(value, f.name)) for f in fields(value) if getattr(value, f.name) != _default(f)}
    return value


def _default(part: Field[Any]) -> Any:
    return part.default if part.default_factory is MISSING else part.default_factory()


@dataclass(frozen=True)
class Store:
    """The folder `paths.lab` and what lies in it."""

    lab: Path

    def folder(self, wanted: Spec) -> Path:
        """Return where the artifact lies or would lie."""
        return self.lab / "artifacts" / wanted.step / wanted.key

    def partial(self, wanted: Spec) -> Path:
        """Return the folder in which an unfinished artifact and its resumable state are kept."""
        return self.lab / "partial" / wanted.step / wanted.key

    def has(self, wanted: Spec) -> bool:
        """Whether a complete artifact is there (its files are checked when it is opened)."""
        return (self.folder(wanted) / MANIFEST).exists()

    def sound(self, wanted: Spec) -> bool:
        """Whether a complete artifact is there and every file is as it was written."""
        return self.has(wanted) and not damaged(self.folder(wanted))

    def manifest(self, wanted: Spec) -> dict[str, Any]:
        """Return the manifest of an artifact that is there."""
        data: dict[str, Any] = json.loads((self.folder(wanted) / MANIFEST).read_text())
        return data

    def check_writable(self) -> None:
        """Raise ConfigError where the lab folder cannot be written to."""
        try:
            self.lab.mkdir(parents=True, exist_ok=True)
            probe = self.lab / f".write-{os.getpid()}"
            probe.write_text("")
            probe.unlink(missing_ok=True)
        except OSError as error:
            raise ConfigError(f"paths.lab={self.lab}: cannot be written to ({error.strerror})") from None

    def make(self, wanted: Spec, build: Callable[[Path, Path], Mapping[str, Any]]) -> Path:
        """Return the artifact's folder, building it where it is missing or damaged.

        `build(folder, state)` writes the artifact into `folder` and may keep what it needs to go on after
        a kill in `state`; what it returns is added to the manifest. One process builds, others wait.
        """
        self.check_writable()
        lock = self.lab / "locks" / f"{wanted.key}.lock"
        lock.parent.mkdir(exist_ok=True)
        with concurrency.holding(FileLock(lock)):
            if self._sound(wanted):
                return self.folder(wanted)
            return self._build(wanted, build)

    def _build(self, wanted: Spec, build: Callable[[Path, Path], Mapping[str, Any]]) -> Path:
        partial = self.partial(wanted)
        fresh, state = partial / "output", partial / "state"
        shutil.rmtree(fresh, ignore_errors=True)
        fresh.mkdir(parents=True)
        state.mkdir(exist_ok=True)
        start = time.perf_counter()
        try:
            extra = build(fresh, state)
        except BaseException:
            _clear(partial)
            raise
        manifest = {
            **asdict(wanted),
            "key": wanted.key,
            "created": datetime.now(UTC).isoformat(timespec="seconds"),
            "seconds": round(time.perf_counter() - start, 2),
            **extra,
            "files": _digests(fresh),
        }
        (fresh / MANIFEST).write_text(json.dumps(manifest, indent=2) + "\n")
        folder = self.folder(wanted)
        folder.parent.mkdir(parents=True, exist_ok=True)
        os.replace(fresh, folder)
        shutil.rmtree(partial, ignore_errors=True)
        return folder

    def _sound(self, wanted: Spec) -> bool:
        folder = self.folder(wanted)
        if not folder.exists():
            return False
        if damage := damaged(folder):
            aside = self.lab / "damaged" / f"{wanted.step}-{wanted.key[:12]}-{time.time_ns()}"
            aside.parent.mkdir(exist_ok=True)
            os.replace(folder, aside)
            log.warning("%s %s: %s; set aside as %s and made again", wanted.step, wanted.key[:12], damage, aside)
            return False
        return True


def _clear(partial: Path) -> None:
    """Leave nothing half-written of a build that failed, but the state from which it can go on."""
    shutil.rmtree(partial / "output", ignore_errors=True)
    for folder in (partial / "state", partial):
        if folder.exists() and not any(folder.iterdir()):
            folder.rmdir()


def damaged(folder: Path) -> str:
    """Return what is wrong with an artifact's folder, or an empty text where it is as it was written."""
    try:
        files = json.loads((folder / MANIFEST).read_text())["files"]
        for name, told in files.items():
            if digest(folder / name) != told:
                return f"{name} has changed"
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        return f"it cannot be read ({error.__class__.__name__})"
    return ""


def _digests(folder: Path) -> dict[str, str]:
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): digest(path) for path in files}


def digest(path: Path) -> str:
    """Return the sha256 of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
