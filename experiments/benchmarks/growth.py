"""How cost grows: with people, with weights, with arms; each a table and the exponent that fits it."""

import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping

import numpy as np

from data_gen.config import WorldConfig
from data_gen.people import world
from experiments.benchmarks import Row
from experiments.benchmarks.corpus import CORPUS, tokenizer
from experiments.benchmarks.loop import Shape, ours, steps
from physics_lm.config.model import ModelConfig
from physics_lm.data import entry_tokens

PEOPLE = (1_000, 10_000, 100_000, 1_000_000)
SHAPES = ((2, 64), (3, 128), (4, 256), (6, 512))
GPU_SHAPES = ((3, 128), (4, 256), (6, 512), (12, 512), (12, 768), (24, 1024))
GPU_BATCH = 256  # rows of 128 tokens, so that a GPU has something to do
ARMS = (1, 4, 16, 64)
SMOKE = ["scale=smoke", "finetune=none", "pretrain.steps=10", "hydra/launcher=stacked"]


def rows(cuda: bool) -> Iterator[Row]:
    """Measure each point once, on the CPU, or on the GPU where there is one."""
    if not cuda:
        yield from told("people", "multi5+permute as token ids, world included", {n: people(n) for n in PEOPLE}, "cpu")
        yield from told("weights", "a step of 2,048 tokens", dict(weights(*shape) for shape in SHAPES), "cpu")
        yield from told("arms", "a stacked smoke sweep over seeds", {n: arms(n) for n in ARMS}, "cpu")
    gpu = dict(weights(*shape, batch=GPU_BATCH) for shape in GPU_SHAPES) if cuda else {}
    yield from told("weights_gpu", f"a step of {GPU_BATCH * 128:,} tokens", gpu, "gpu")


def told(name: str, what: str, seconds: Mapping[int, float], device: str) -> Iterator[Row]:
    """Return a row of seconds for each point, and one for the exponent."""
    for size, measured in seconds.items():
        yield Row(f"{size:,} {name}", f"s: {what}", measured, None, "", "lower", None, device)
    slope = float(np.polyfit(np.log(list(seconds)), np.log(list(seconds.values())), 1)[0]) if seconds else None
    yield Row(f"exponent of cost in {name}", "", slope, None, "", "lower", None, device)


def people(count: int) -> float:
    """Return the seconds in which the entries of `count` people are made, as token ids."""
    start = time.perf_counter()
    made = world.make(WorldConfig(people=count), 0)
    entry_tokens.EntryAssembler(made, CORPUS, tokenizer(made)).epoch()
    return time.perf_counter() - start


def weights(layers: int, width: int, batch: int = 16) -> tuple[int, float]:
    """Return a model's weights and the seconds of one training step, uncompiled."""
    loop = ours(Shape(ModelConfig(layers=layers, width=width, heads=width // 32, positions=128), batch, 128), "never")
    steps(loop, 2)
    start = time.perf_counter()
    steps(loop, 5)
    return sum(param.numel() for param in loop.model.parameters()), (time.perf_counter() - start) / 5


def arms(count: int) -> float:
    """Return the seconds of a sweep over `count` seeds, start-up included."""
    with tempfile.TemporaryDirectory() as lab:
        seeds = f"seed={','.join(map(str, range(count)))}"
        start = time.perf_counter()
        command = [sys.executable, "-m", "experiments.run", "-m", seeds, *SMOKE, f"paths.lab={lab}"]
        subprocess.run(command, check=True, capture_output=True)
        return time.perf_counter() - start
