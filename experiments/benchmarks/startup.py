"""The time that a command takes before it does any work."""

import subprocess
import sys
from collections.abc import Iterator
from functools import partial

from experiments.benchmarks import Row, interleaved, time_call

HELP = [sys.executable, "-m", "experiments.run", "--help"]


def rows(cuda: bool) -> Iterator[Row]:
    """Measure `experiments.run --help`, on the CPU only."""
    if not cuda:
        show_help = partial(subprocess.run, HELP, check=True, capture_output=True)
        seconds = interleaved({"help": lambda: time_call(show_help)}, 5)["help"]
        yield Row("startup_help", "s", seconds, None, "", "lower", 1.5, "cpu")
