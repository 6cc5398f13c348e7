"""The ledger of sweeps: a file per job in lab/ledger, replaced whole, so that any number of readers can look.

The rows in the store are the record; the ledger says how each job stands. A job is running while a process
holds its lock, which the system frees at any death, and as long as its heartbeat goes on.
"""

import json
import os
import resource
import socket
import sys
import threading
import time
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, fields, replace
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from data_gen.errors import ConfigError
from physics_lm import concurrency, progress
from physics_lm.store.artifacts import MANIFEST

VERSION = 1
BEAT = 2.0  # seconds between heartbeats
LOST = 60.0  # seconds after which a job of another host that is silent counts as dead
STATES = ("planned", "running", "done", "failed")


@dataclass(frozen=True)
class Entry:
    """How a job stands. key: of its rows. sweep: of the last sweep that wanted it. name: its overrides.

    state: planned, running, done or failed. started, beat, ended: seconds since 1970. expected: seconds that a
    job of its scale takes. doing: the bar that is open. peak_mb: the largest memory of its process. error,
    traceback, config: why it failed, and with what.
    """

    key: str
    name: str
    sweep: str = ""
    state: str = "planned"
    host: str = ""
    pid: int = 0
    started: float = 0.0
    beat: float = 0.0
    ended: float = 0.0
    expected: float = 0.0
    doing: dict[str, Any] = field(default_factory=dict)
    peak_mb: float = 0.0
    error: str = ""
    traceback: str = ""
    config: dict[str, Any] = field(default_factory=dict)
    version: int = VERSION


_NUMBER = int | float
_KINDS: dict[Any, Any] = {str: str, dict[str, Any]: dict}
KINDS = {part.name: _KINDS.get(part.type, _NUMBER) for part in fields(Entry)}  # of what stands in a file


def peak_mb() -> float:
    """Return the largest memory this process has held, in MB."""
    status = Path("/proc/self/status")
    if status.exists():  # the resource module counts what the parent held before it started this process
        high = [line.split()[1] for line in status.read_text().splitlines() if line.startswith("VmHWM")]
        return int(high[0]) / 2**10
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return float(peak) / (2**20 if sys.platform == "darwin" else 2**10)


class Ledger:
    """The jobs of a lab."""

    def __init__(self, lab: Path) -> None:
        """Look at the ledger of a lab; writes nothing yet."""
        self.lab, self.folder = lab, lab / "ledger"

    def read(self, key: str) -> Entry | None:
        """Return the entry of a job, or None; raises ConfigError where a newer version wrote it."""
        return _parse(self.folder / f"{key}.json")

    def entries(self) -> list[Entry]:
        """Return all entries, by sweep and name; raises ConfigError as `read` does."""
        found = [_parse(path) for path in self.folder.glob("*.json")]
        return sorted((entry for entry in found if entry), key=lambda entry: (entry.sweep, entry.name))

    def has_rows(self, key: str) -> bool:
        """Whether the rows of a job are in the store."""
        return (self.lab / "artifacts" / "probe" / key / MANIFEST).exists()

    def write(self, entry: Entry) -> Entry:
        """Replace the entry of a job; readers see the old one or the new one, whole."""
        self.folder.mkdir(parents=True, exist_ok=True)
        aside = self.folder / f".{entry.key}-{socket.gethostname()}-{os.getpid()}-{threading.get_ident()}"
        try:
            with aside.open("w") as file:
                json.dump(asdict(entry), file, indent=1)
                file.flush()
                os.fsync(file.fileno())
            os.replace(aside, self.folder / f"{entry.key}.json")
        finally:
            aside.unlink(missing_ok=True)
        return entry

    def lock(self, key: str) -> FileLock:
        """Return the lock that whoever runs a job holds."""
        folder = self.lab / "locks"
        folder.mkdir(parents=True, exist_ok=True)
        return FileLock(folder / f"job-{key}.lock", thread_local=False)

    def alive(self, entry: Entry) -> bool:
        """Whether a process is running the job."""
        if entry.state != "running":
            return False
        try:
            with self.lock(entry.key).acquire(timeout=0):
                elsewhere = entry.host != socket.gethostname()
                return elsewhere and time.time() - entry.beat < LOST
        except Timeout:
            return True
        except OSError:  # a lab that can only be read: what the heartbeat says
            return time.time() - entry.beat < LOST

    @contextmanager
    def running(self, entry: Entry) -> Iterator[None]:
        """Hold a job while it is done: running with a heartbeat, then done, or failed with its traceback."""
        with concurrency.holding(self.lock(entry.key)):
            now = time.time()
            entry = replace(
                entry, state="running", host=socket.gethostname(), pid=os.getpid(), started=now, beat=now,
                ended=0.0, error="", traceback="",
            )  # fmt: skip
            self.write(entry)
            ended = threading.Event()
            beats = threading.Thread(target=self._beat, args=(entry, ended), daemon=True)
            beats.start()
            try:
                yield
            except Exception as error:
                entry = replace(entry, state="failed", error=_line(error), traceback=traceback.format_exc())
                raise
            else:
                entry = replace(entry, state="done")
            finally:
                ended.set()
                beats.join()
                if entry.state != "running":  # an interrupted job stays as it is: nobody holds its lock
                    now = time.time()
                    self.write(replace(entry, ended=now, beat=now, peak_mb=peak_mb()))

    def _beat(self, entry: Entry, ended: threading.Event) -> None:
        while not ended.wait(BEAT):
            now = progress.current()
            doing = asdict(now) | {"left": now.left} if now else {}
            try:
                self.write(replace(entry, beat=time.time(), doing=doing, peak_mb=peak_mb()))
            except OSError:  # a full disk stops the job where it writes what counts
                continue


def _line(error: BaseException) -> str:
    return f"{error.__class__.__name__}: {error}".splitlines()[0]


def _parse(path: Path) -> Entry | None:
    try:
        data = json.loads(path.read_text())
        newer = data["version"] > VERSION
    except (OSError, ValueError, KeyError, TypeError):  # absent or damaged: the rows tell what is done
        return None
    if newer:
        raise ConfigError(
            f"{path}: written by a newer version of the lab (ledger {data['version']}, this one reads {VERSION}); "
            "update, or choose another paths.lab"
        )
    if not {"key", "name"} <= data.keys():
        return None
    known = {part.name: data[part.name] for part in fields(Entry) if part.name in data}
    return Entry(**known) if all(isinstance(known[name], KINDS[name]) for name in known) else None
