"""Jobs for the tests of launchers: small, without torch, importable in the processes that run them."""

import os
import signal
import sys
import time

import numpy as np


def look(config):
    """Return what a job sees of its process."""
    return os.getpid(), os.environ["OMP_NUM_THREADS"], config.seed


def mark(config):
    """Return the process that a job's is a copy of, whether torch was loaded, and whether a job before left a mark."""
    found = os.getppid(), "torch" in sys.modules, hasattr(sys, "marked")
    sys.marked = config.seed
    return found


def hold(config):
    """Hold as many megabytes as the seed says; from 300 on, die once they are held."""
    held = np.ones((config.seed, 2**20 // 8))
    if config.seed >= 300:
        os.kill(os.getpid(), signal.SIGKILL)
    return float(held[0, 0])


def fail(config):
    """Fail with an error of its own when the seed is 1."""
    if config.seed == 1:
        raise ValueError("seed 1 it is")
    return config.seed


def interrupted(config):
    """Return the seed after an interrupt."""
    os.kill(os.getpid(), signal.SIGINT)
    return config.seed


def sleep(config):
    """Write the process id beside the lab and stay."""
    path = f"{config.paths.lab}/pid-{config.seed}"
    with open(path + ".tmp", "w") as file:
        file.write(str(os.getpid()))
    os.replace(path + ".tmp", path)
    time.sleep(120)
