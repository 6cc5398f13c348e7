"""The store: every stage's output is a folder lab/artifacts/STEP/KEY, which is complete or absent.

The key is the sha256 of the canonical JSON of the stage's config, the keys of its inputs and its version number.
Settings at their defaults are left out of that JSON, so that a new setting leaves the keys of older artifacts as they
are; a changed default raises the stage's version. A folder is filled elsewhere and moved into place whole, under a lock
of its key.
"""

import hashlib
import json
import logging
import os
import shutil
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, fields, is_dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from filelock import FileLock

from data_gen import kinds, settings
from data_gen.errors import ConfigError
from data_gen.fingerprint import content_sha256
from physics_lm import job_scheduler

log = logging.getLogger(__name__)
MANIFEST = "manifest.json"
Build = Callable[[Path, Path], Mapping[str, Any]]  # writes an artifact; see Store.make


@dataclass(frozen=True)
class Spec:
    """What an artifact's key is made of: stage (`step`), version, config, and the keys of its inputs."""

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
    """Return the spec of an artifact from its settings (plain data and dataclasses) and its inputs' specs."""
    return Spec(step, version, non_default(config), {name: source.key for name, source in inputs.items()})


def non_default(value: Any) -> Any:
    """Return nested mappings and dataclasses as plain data, without settings at their defaults or that decide nothing.

    In place of a path whose content decides (see `data_gen.settings`) stands the sha256 of what lies there.
    """
    if isinstance(value, Mapping):
        return {key: non_default(item) for key, item in value.items()}
    if is_dataclass(value) and not isinstance(value, type):
        values = {item: getattr(value, item.name) for item in fields(value) if settings.rule(item).decides}
        return {
            item.name: content_sha256(given) if settings.rule(item).content else non_default(given)
            for item, given in values.items()
            if given != settings.default(type(value), item)
        }
    return value


def of_kind(module: Any, config: Any) -> dict[str, Any]:
    """Return the settings of a kind as plain data, with the version of its module."""
    return {**non_default(config), **kinds.version(module)}


@dataclass(frozen=True)
class Store:
    """The artifacts of the lab folder `paths.lab`."""

    lab: Path

    def folder(self, spec: Spec) -> Path:
        """Return the folder of an artifact, whether it is there or not."""
        return self.lab / "artifacts" / spec.step / spec.key

    def partial_folder(self, spec: Spec) -> Path:
        """Return the folder of an unfinished artifact and of the state from which it can be resumed."""
        return self.lab / "partial" / spec.step / spec.key

    def has(self, spec: Spec) -> bool:
        """Whether a complete artifact is there; its files are not checked."""
        return (self.folder(spec) / MANIFEST).exists()

    def is_intact(self, spec: Spec) -> bool:
        """Whether a complete artifact is there and every file is as it was written."""
        return not find_damage(self.folder(spec))

    def manifest(self, spec: Spec) -> dict[str, Any]:
        """Return the manifest of an artifact that is there."""
        return dict(json.loads((self.folder(spec) / MANIFEST).read_text()))

    def check_writable(self) -> None:
        """Raise ConfigError where the lab folder cannot be written to."""
        try:
            self.lab.mkdir(parents=True, exist_ok=True)
            test_file = self.lab / f".write-{os.getpid()}"
            test_file.write_text("")
            test_file.unlink(missing_ok=True)
        except OSError as error:
            raise ConfigError(f"paths.lab={self.lab}: cannot be written to ({error.strerror})") from None

    def make(self, spec: Spec, build: Build) -> Path:
        """Return the artifact's folder, building it where it is missing or damaged.

        `build(folder, state)` writes the artifact into `folder` and may keep in `state` what it needs to resume after
        a kill; the mapping that it returns is added to the manifest. One process builds, others wait.
        """
        self.check_writable()
        lock = self.lab / "locks" / f"{spec.key}.lock"
        lock.parent.mkdir(exist_ok=True)
        with job_scheduler.hold_lock(FileLock(lock)):
            self._set_aside_if_damaged(spec)
            return self.folder(spec) if self.folder(spec).exists() else self._build(spec, build)

    def _build(self, spec: Spec, build: Build) -> Path:
        partial, folder = self.partial_folder(spec), self.folder(spec)
        output, state = partial / "output", partial / "state"
        shutil.rmtree(output, ignore_errors=True)
        output.mkdir(parents=True)
        state.mkdir(exist_ok=True)
        start = time.perf_counter()
        try:
            extra = build(output, state)
        except BaseException:
            _remove_output(partial)
            raise
        files = sorted(path for path in output.rglob("*") if path.is_file())
        manifest = {
            **asdict(spec),
            "key": spec.key,
            "created": datetime.now(UTC).isoformat(timespec="seconds"),
            "seconds": round(time.perf_counter() - start, 2),
            **extra,
            "files": {str(path.relative_to(output)): digest(path) for path in files},
        }
        (output / MANIFEST).write_text(json.dumps(manifest, indent=2) + "\n")
        folder.parent.mkdir(parents=True, exist_ok=True)
        os.replace(output, folder)
        shutil.rmtree(partial, ignore_errors=True)
        return folder

    def _set_aside_if_damaged(self, spec: Spec) -> None:
        folder = self.folder(spec)
        if folder.exists() and (damage := find_damage(folder)):
            aside = self.lab / "damaged" / f"{spec.step}-{spec.key[:12]}-{time.time_ns()}"
            aside.parent.mkdir(exist_ok=True)
            os.replace(folder, aside)
            log.warning("%s %s: %s; set aside as %s and made again", spec.step, spec.key[:12], damage, aside)


def _remove_output(partial: Path) -> None:
    """Remove the output of a build that failed, and empty folders; the state from which it can resume stays."""
    shutil.rmtree(partial / "output", ignore_errors=True)
    for folder in (partial / "state", partial):
        if folder.exists() and not any(folder.iterdir()):
            folder.rmdir()


def find_damage(folder: Path) -> str:
    """Return what is wrong with an artifact's folder, or an empty text where every file is as it was written."""
    try:
        files = json.loads((folder / MANIFEST).read_text())["files"]
        changed = next((name for name, sha256 in files.items() if digest(folder / name) != sha256), "")
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        return f"it cannot be read ({error.__class__.__name__})"
    return f"{changed} has changed" if changed else ""


def digest(path: Path) -> str:
    """Return the sha256 of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
