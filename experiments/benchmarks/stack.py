"""A sweep in one process against a process for each job, and how fast a stack goes by its size."""

import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from itertools import product

from experiments.benchmarks import Row, interleaved
from experiments.benchmarks.loop import GPU, LAPTOP, STEPS, WARM, Shape, ours
from physics_lm.config.model import ModelConfig
from physics_lm.training.loop import Training
from physics_lm.training.stacking.stack import Stack

JOBS, ROUNDS, SIZES = 4, 2, (1, 2, 4, 8)
SWEEP = ["pretrain.steps=100", "pretrain.warmup=10", "finetune.steps=50"]
SMALL = Shape(ModelConfig(layers=2, width=64, heads=2, positions=128), 16, 128)
MODELS = {"laptop model": LAPTOP, "2 layers, width 64": SMALL}
ON_GPU = {"laptop model": (LAPTOP, (8, 64), 5), "scale=gpu model": (GPU, (4, 16), 2)}  # sizes, target


def rows(cuda: bool) -> Iterator[Row]:
    """Measure whole sweeps on the CPU, and tokens a second by the size of the stack, or the latter on a GPU."""
    if not cuda:
        found = interleaved({way: partial(jobs, way) for way in ("stacked", "processes")}, ROUNDS)
        told = f"{JOBS} jobs of 150 steps, a process each"
        ours, its = found["stacked"], found["processes"]
        yield Row("stack against processes", "jobs/h", ours, its, told, "higher", 1, "cpu, laptop model")
        for (name, shape), size in product(MODELS.items(), SIZES):
            yield Row(f"stack of {size}, {name}", "tokens/s", rate(shape, size), None, "", "higher", None, "cpu")
    rival = "our fastest single job, compiled"
    for name, (shape, sizes, target) in ON_GPU.items():
        single = alone(shape) if cuda else None
        rates = {size: rate(shape, size) for size in sizes} if cuda else {}
        for size, measured in rates.items():
            yield Row(f"stack of {size}, {name}, gpu", "tokens/s", measured, None, "", "higher", None, "gpu")
        best = max(rates.values(), default=None)
        yield Row(f"stack against one job, {name}", "tokens/s", best, single, rival, "higher", target, "gpu")


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
    stack = Stack([ours(shape) for _ in range(size)])
    with stack.attending():
        return _rate(stack.advance, stack.loops)


def alone(shape: Shape) -> float:
    """Return tokens a second of one job, compiled."""
    loop = ours(shape, "always")
    with loop.attending():
        return _rate(loop.advance, [loop])


def _rate(advance: Callable[[], None], loops: Sequence[Training]) -> float:
    def steps(count: int) -> None:
        for _ in range(count):
            advance()
        for loop in loops:
            loop.flush()

    steps(WARM)
    start = time.perf_counter()
    steps(STEPS)
    seconds = time.perf_counter() - start
    return sum(loop.batches(0)[0].size for loop in loops) * STEPS / seconds
