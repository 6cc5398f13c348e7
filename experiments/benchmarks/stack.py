"""A sweep in one process against a process for each job, and how fast a stack goes by its size."""

import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from itertools import product

from experiments.benchmarks import Row, interleaved
from experiments.benchmarks.loop import LAPTOP, STEPS, WARM, Shape, ours, steps
from physics_lm.config import ModelConfig
from physics_lm.stacked import Stack

JOBS, ROUNDS, SIZES = 4, 2, (1, 2, 4, 8)
SWEEP = ["pretrain.steps=100", "pretrain.warmup=10", "finetune.steps=50"]
SMALL: Shape = (ModelConfig(layers=2, width=64, heads=2, positions=128), 16, 128)
GPU: Shape = (ModelConfig(layers=6, width=256, heads=8, positions=256), 32, 256)
MODELS = {"laptop model": LAPTOP, "2 layers, width 64": SMALL}


def rows(cuda: bool) -> Iterator[Row]:
    """Measure whole sweeps on the CPU, and tokens a second by the size of the stack; on a GPU where there is one."""
    found = interleaved({way: lambda way=way: jobs(way) for way in ("stacked", "processes")}, ROUNDS)  # type: ignore[misc]
    told = f"{JOBS} jobs of 150 steps, a process each"
    yield Row(
        "stack against processes",
        "jobs/h",
        found["stacked"],
        found["processes"],
        told,
        "higher",
        1,
        "cpu, laptop model",
    )
    for (name, shape), size in product(MODELS.items(), SIZES):
        yield Row(f"stack of {size}, {name}", "tokens/s", rate(shape, size), None, "", "higher", None, "cpu")
    for name, shape, target in (("laptop", LAPTOP, 5), ("scale=gpu", GPU, 2)):
        stack, single = (max(rate(shape, size) for size in (8, 32, 64)), alone(shape)) if cuda else (None, None)
        rival = "our fastest single job, compiled"
        yield Row(
            f"stack against one job, {name} on a gpu",
            "tokens/s",
            stack,
            single,
            rival,
            "higher",
            target,
            f"gpu, model of {name}",
        )


def jobs(launcher: str) -> float:
    """Return jobs an hour of a sweep over seeds, start-up and questions included."""
    with tempfile.TemporaryDirectory() as lab:
        seeds = f"seed={','.join(map(str, range(JOBS)))}"
        command = [sys.executable, "-m", "experiments.run", "-m", seeds, *SWEEP, f"hydra/launcher={launcher}"]
        start = time.perf_counter()
        subprocess.run([*command, f"paths.lab={lab}"], check=True, capture_output=True)
        return 3600 * JOBS / (time.perf_counter() - start)


def rate(shape: Shape, size: int) -> float:
    """Return tokens a second of a stack of `size` models, all of them together."""
    stack = Stack([ours(shape, compile=False) for _ in range(size)])
    for _ in range(WARM):
        stack.advance()
    start = time.perf_counter()
    for _ in range(STEPS):
        stack.advance()
    for loop in stack.loops:
        loop.flush()
    return size * shape[1] * shape[2] * STEPS / (time.perf_counter() - start)


def alone(shape: Shape) -> float:
    """Return tokens a second of one job, compiled."""
    loop = ours(shape, compile=True)
    steps(loop, WARM)
    start = time.perf_counter()
    steps(loop, STEPS)
    return shape[1] * shape[2] * STEPS / (time.perf_counter() - start)
