"""Growth of cost with people, weights and arms: seconds at several sizes, and the exponent of a fitted power law."""

import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping

import numpy as np

from data_gen.config import WorldConfig
from data_gen.people.world import make
from experiments.benchmarks import Row, time_call
from experiments.benchmarks.corpus import CORPUS, sample_tokenizer
from experiments.benchmarks.loop import Shape, build_training, run_steps
from physics_lm.config.model import ShapeConfig
from physics_lm.data import entry_tokens

PEOPLE = (1_000, 10_000, 100_000, 1_000_000)
SHAPES = ((2, 64), (3, 128), (4, 256), (6, 512))
GPU_SHAPES = ((3, 128), (4, 256), (6, 512), (12, 512), (12, 768), (24, 1024))
GPU_BATCH = 256  # rows of 128 tokens, so that a GPU has something to do
ARMS = (1, 4, 16, 64)
SMOKE = ["scale=smoke", "finetune=none", "pretrain.steps=10", "hydra/launcher=stacked"]


def rows(cuda: bool) -> Iterator[Row]:
    """Measure each size once, on the CPU, or on the GPU where there is one."""
    if not cuda:
        corpus = "multi5+permute as token ids, world included"
        yield from power_law_rows("people", corpus, {count: corpus_seconds(count) for count in PEOPLE}, "cpu")
        steps = dict(step_seconds(*shape) for shape in SHAPES)
        yield from power_law_rows("weights", "a step of 2,048 tokens", steps, "cpu")
        sweeps = {count: sweep_seconds(count) for count in ARMS}
        yield from power_law_rows("arms", "a stacked smoke sweep over seeds", sweeps, "cpu")
    steps = dict(step_seconds(*shape, batch=GPU_BATCH) for shape in GPU_SHAPES) if cuda else {}
    yield from power_law_rows("weights_gpu", f"a step of {GPU_BATCH * 128:,} tokens", steps, "gpu")


def power_law_rows(name: str, work: str, seconds: Mapping[int, float], device: str) -> Iterator[Row]:
    """Yield a row of seconds for each size, and one for the exponent of a power law fitted to them."""
    for size, measured in seconds.items():
        yield Row(f"{size:,} {name}", f"s: {work}", measured, None, "", "lower", None, device)
    slope = float(np.polyfit(np.log(list(seconds)), np.log(list(seconds.values())), 1)[0]) if seconds else None
    yield Row(f"exponent of cost in {name}", "", slope, None, "", "lower", None, device)


def corpus_seconds(people: int) -> float:
    """Return the seconds to make a world and the entries of its people as token ids."""

    def work() -> None:
        world = make(WorldConfig(people=people), 0)
        entry_tokens.EntryAssembler(world, CORPUS, sample_tokenizer(world)).epoch()

    return time_call(work)


def step_seconds(layers: int, width: int, batch: int = 16) -> tuple[int, float]:
    """Return the number of a model's weights and the seconds of one training step, uncompiled."""
    config = ShapeConfig(layers=layers, width=width, heads=width // 32, positions=128)
    loop = build_training(Shape(config, batch, 128), "never")
    run_steps(loop, 2)
    return sum(weight.numel() for weight in loop.model.parameters()), time_call(lambda: run_steps(loop, 5)) / 5


def sweep_seconds(arms: int) -> float:
    """Return the seconds of a sweep over as many seeds as arms, start-up included."""
    with tempfile.TemporaryDirectory() as lab:
        seeds = f"seed={','.join(map(str, range(arms)))}"
        command = [sys.executable, "-m", "experiments.run", "-m", seeds, *SMOKE, f"paths.lab={lab}"]
        return time_call(lambda: subprocess.run(command, check=True, capture_output=True))
