"""The ledger of sweeps: a JSON file for each job in lab/ledger, written atomically, for any number of readers.

The rows in the store are the record of results; the ledger says what became of each job. A job is running while a
process holds its lock, which the system frees when the process dies, and while its heartbeat goes on.
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
from experiments.launch.errors import first_line
from physics_lm import job_scheduler, progress
from physics_lm.store.artifacts import MANIFEST

VERSION = 1
HEARTBEAT_SECONDS = 2.0
DEAD_AFTER_SECONDS = 60.0  # without a heartbeat, for a job on another host


@dataclass(frozen=True)
class Entry:
    """What the ledger knows of a job. key: of its rows. sweep: the last sweep that it was part of. name: its overrides.

    state: planned, running, done or failed. started, beat, ended: seconds since 1970. expected: seconds that a job
    of its scale takes. doing: the state of its open progress bar. peak_mb: the peak memory of its process. error,
    traceback, config: why it failed, and with which settings.
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


_JSON_TYPES: dict[Any, Any] = {str: str, dict[str, Any]: dict}
FIELD_TYPES = {column.name: _JSON_TYPES.get(column.type, int | float) for column in fields(Entry)}


def peak_mb() -> float:
    """Return the peak memory of this process, in MB."""
    status = Path("/proc/self/status")
    if status.exists():  # the resource module also counts what the parent held before it started this process
        peaks = [line.split()[1] for line in status.read_text().splitlines() if line.startswith("VmHWM")]
        return int(peaks[0]) / 2**10
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return float(peak) / (2**20 if sys.platform == "darwin" else 2**10)


class Ledger:
    """The jobs of a lab."""

    def __init__(self, lab: Path) -> None:
        """Open the ledger of a lab; creates no file."""
        self.lab, self.folder = lab, lab / "ledger"

    def read(self, key: str) -> Entry | None:
        """Return the entry of a job, or None; raises ConfigError where a newer version wrote it."""
        return _read_entry(self.folder / f"{key}.json")

    def entries(self) -> list[Entry]:
        """Return all entries, sorted by sweep and name; raises ConfigError as `read` does."""
        entries = filter(None, map(_read_entry, self.folder.glob("*.json")))
        return sorted(entries, key=lambda entry: (entry.sweep, entry.name))

    def rows_exist(self, key: str) -> bool:
        """Return whether the rows of a job are in the store."""
        return (self.lab / "artifacts" / "probe" / key / MANIFEST).exists()

    def write(self, entry: Entry) -> Entry:
        """Write the entry of a job atomically and return it."""
        self.folder.mkdir(parents=True, exist_ok=True)
        temporary = self.folder / f".{entry.key}-{socket.gethostname()}-{os.getpid()}-{threading.get_ident()}"
        try:
            with temporary.open("w") as file:
                json.dump(asdict(entry), file, indent=1)
                file.flush()
                os.fsync(file.fileno())
            os.replace(temporary, self.folder / f"{entry.key}.json")
        finally:
            temporary.unlink(missing_ok=True)
        return entry

    def lock(self, key: str) -> FileLock:
        """Return the lock that a process holds while it runs the job."""
        folder = self.lab / "locks"
        folder.mkdir(parents=True, exist_ok=True)
        return FileLock(folder / f"job-{key}.lock", thread_local=False)

    def alive(self, entry: Entry) -> bool:
        """Return whether a process is running the job."""
        if entry.state != "running":
            return False
        has_beat = time.time() - entry.beat < DEAD_AFTER_SECONDS
        try:
            with self.lock(entry.key).acquire(timeout=0):
                return has_beat and entry.host != socket.gethostname()
        except Timeout:
            return True
        except OSError:  # the lab is read-only, so that only the heartbeat can tell
            return has_beat

    @contextmanager
    def running(self, entry: Entry) -> Iterator[None]:
        """Hold a job's lock while the body runs it; record it as running with a heartbeat, then as done or failed."""
        with job_scheduler.hold_lock(self.lock(entry.key)):
            now = time.time()
            entry = replace(
                entry, state="running", host=socket.gethostname(), pid=os.getpid(), started=now, beat=now,
                ended=0.0, error="", traceback="",
            )  # fmt: skip
            self.write(entry)
            ended = threading.Event()
            heartbeat = threading.Thread(target=self._beat, args=(entry, ended), daemon=True)
            heartbeat.start()
            try:
                yield
            except Exception as error:
                entry = replace(entry, state="failed", error=first_line(error), traceback=traceback.format_exc())
                raise
            else:
                entry = replace(entry, state="done")
            finally:
                ended.set()
                heartbeat.join()
                if entry.state != "running":  # an interrupted job stays recorded as running, but nobody holds its lock
                    now = time.time()
                    self.write(replace(entry, ended=now, beat=now, peak_mb=peak_mb()))

    def _beat(self, entry: Entry, ended: threading.Event) -> None:
        while not ended.wait(HEARTBEAT_SECONDS):
            bar = progress.current_state()
            doing = asdict(bar) | {"left": bar.left} if bar else {}
            try:
                self.write(replace(entry, beat=time.time(), doing=doing, peak_mb=peak_mb()))
            except OSError:  # a full disk stops the job where it writes its results
                continue


def _read_entry(path: Path) -> Entry | None:
    """Return the entry in a file, or None where it is absent or damaged: the rows still tell which jobs are done."""
    try:
        data = json.loads(path.read_text())
        newer = data["version"] > VERSION
    except (OSError, ValueError, KeyError, TypeError):
        return None
    if newer:
        raise ConfigError(
            f"{path}: written by a newer version of the lab (ledger {data['version']}, this one reads {VERSION}); "
            "update, or choose another paths.lab"
        )
    values = {name: data[name] for name in FIELD_TYPES if name in data}
    valid = all(isinstance(value, FIELD_TYPES[name]) for name, value in values.items())
    return Entry(**values) if valid and {"key", "name"} <= values.keys() else None
