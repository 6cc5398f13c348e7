"""A sweep as one stack of trainings against a process for each job, and the speed of a stack by its size."""

import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from itertools import product

from experiments.benchmarks import Row, interleaved, time_call
from experiments.benchmarks.loop import GPU, LAPTOP, Shape, build_training, tokens_per_second
from physics_lm.config.model import ShapeConfig
from physics_lm.training.loop import Training
from physics_lm.training.stacking.stack import Stack

JOBS, ROUNDS, SIZES = 4, 2, (1, 2, 4, 8)
SWEEP = ["pretrain.steps=100", "pretrain.warmup=10", "finetune.steps=50"]
SMALL = Shape(ShapeConfig(layers=2, width=64, heads=2, positions=128), 16, 128)
MODELS = {"laptop model": LAPTOP, "2 layers, width 64": SMALL}
ON_GPU = {"laptop model": (LAPTOP, (8, 64), 5), "scale=gpu model": (GPU, (4, 16), 2)}  # sizes, target


def rows(cuda: bool) -> Iterator[Row]:
    """Measure whole sweeps on the CPU, and tokens a second by the size of the stack, or the latter on a GPU."""
    if not cuda:
        speeds = interleaved({way: partial(jobs_per_hour, way) for way in ("stacked", "processes")}, ROUNDS)
        numbers, rival = (speeds["stacked"], speeds["processes"]), f"{JOBS} jobs of 150 steps, a process each"
        yield Row("stack against processes", "jobs/h", *numbers, rival, "higher", 1, "cpu, laptop model")
        for (name, shape), size in product(MODELS.items(), SIZES):
            speed = stack_speed(shape, size)
            yield Row(f"stack of {size}, {name}", "tokens/s", speed, None, "", "higher", None, "cpu")
    rival = "our fastest single job, compiled"
    for name, (shape, sizes, target) in ON_GPU.items():
        single = single_speed(shape) if cuda else None
        by_size = {size: stack_speed(shape, size) for size in sizes} if cuda else {}
        for size, speed in by_size.items():
            yield Row(f"stack of {size}, {name}, gpu", "tokens/s", speed, None, "", "higher", None, "gpu")
        best = max(by_size.values(), default=None)
        yield Row(f"stack against one job, {name}", "tokens/s", best, single, rival, "higher", target, "gpu")


def jobs_per_hour(launcher: str) -> float:
    """Return jobs an hour of a sweep over seeds, start-up and evaluation included."""
    with tempfile.TemporaryDirectory() as lab:
        seeds = f"seed={','.join(map(str, range(JOBS)))}"
        command = [sys.executable, "-m", "experiments.run", "-m", seeds, *SWEEP, f"hydra/launcher={launcher}"]
        command.append(f"paths.lab={lab}")
        return 3600 * JOBS / time_call(lambda: subprocess.run(command, check=True, capture_output=True))


def stack_speed(shape: Shape, size: int) -> float:
    """Return tokens a second of a stack of `size` models, all of them together."""
    stack = Stack([build_training(shape) for _ in range(size)])
    with stack.fast_attention():
        return size * tokens_per_second(shape, partial(_run, stack.train_step, stack.trainings))


def single_speed(shape: Shape) -> float:
    """Return tokens a second of one job, compiled."""
    loop = build_training(shape, "always")
    with loop.fast_attention():
        return tokens_per_second(shape, partial(_run, loop.train_step, [loop]))


def _run(train_step: Callable[[], None], loops: Sequence[Training], count: int) -> None:
    for _ in range(count):
        train_step()
    for loop in loops:
        loop.read_losses()
