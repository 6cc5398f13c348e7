"""Small jobs without torch for the tests of launchers, importable in the processes that run them."""

import os
import signal
import sys
import time

import numpy as np


def report_process(config):
    """Return the job's process id, its number of threads and its seed."""
    return os.getpid(), os.environ["OMP_NUM_THREADS"], config.seed


def mark_process(config):
    """Return the parent process id, whether torch is imported, and whether an earlier job marked this process."""
    state = os.getppid(), "torch" in sys.modules, hasattr(sys, "marked")
    sys.marked = config.seed
    return state


def allocate(config):
    """Allocate as many megabytes as the seed says; from 300 on, die afterwards."""
    memory = np.ones((config.seed, 2**20 // 8))
    if config.seed >= 300:
        os.kill(os.getpid(), signal.SIGKILL)
    return float(memory[0, 0])


def fail(config):
    """Fail with an error of its own when the seed is 1."""
    if config.seed == 1:
        raise ValueError("seed 1 it is")
    return config.seed


def interrupt(config):
    """Send the own process an interrupt and return the seed."""
    os.kill(os.getpid(), signal.SIGINT)
    return config.seed


def sleep(config):
    """Write the process id into the lab and sleep."""
    path = f"{config.paths.lab}/pid-{config.seed}"
    with open(path + ".tmp", "w") as file:
        file.write(str(os.getpid()))
    os.replace(path + ".tmp", path)
    time.sleep(120)
