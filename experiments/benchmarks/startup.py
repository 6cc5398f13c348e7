"""How long a command takes before it does anything."""

import subprocess
import sys
import time
from collections.abc import Iterator

from experiments.benchmarks import Row, interleaved

HELP = [sys.executable, "-m", "experiments.run", "--help"]


def rows(cuda: bool) -> Iterator[Row]:
    """Measure `experiments.run --help`."""
    if cuda:
        return
    found = interleaved({"help": shown}, 5)
    yield Row("startup_help", "s", found["help"], None, "", "lower", 1.5, "cpu")


def shown() -> float:
    """Return the seconds until the help is shown."""
    start = time.perf_counter()
    subprocess.run(HELP, check=True, capture_output=True)
    return time.perf_counter() - start
