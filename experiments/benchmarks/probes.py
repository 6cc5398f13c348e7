"""The heads of a P-probe trained as a stack against each head on its own, on random tokens and labels."""

from collections.abc import Iterator

import numpy as np

from experiments.benchmarks import Contender, Row, interleaved, time_call
from experiments.benchmarks.loop import LAPTOP
from physics_lm import models
from physics_lm.data import ragged
from physics_lm.probes import p_probe
from physics_lm.probes.linear import tasks
from physics_lm.probes.linear import training as linear_training
from physics_lm.probes.linear.stack import Head, Items, Stack

WORDS, PEOPLE, LENGTH, CLASSES, ROUNDS = 832, 200, 57, 50, 3
POSITIONS = (7, 16, 25, 34, 43, 52)  # roughly those of the laptop's entries
CONFIG = p_probe.Config(steps=4, examples=12, rank=2)
RIVAL = "each probe on its own"


def rows(cuda: bool) -> Iterator[Row]:
    """Measure how many probes take a step in a second: 11 tasks at six places, on the CPU."""
    if cuda:
        return
    speeds = interleaved(contenders(), ROUNDS)
    for name, device in (("apart", "cpu, an update each"), ("shared", "cpu, an update an attribute")):
        numbers = (speeds[name], speeds["alone"])
        yield Row(f"probe_stack_{name}", "probe steps/s", *numbers, RIVAL, "higher", None, device)


def contenders() -> dict[str, Contender]:
    """Return a contender for each way of training, in probe steps a second; `apart` and `alone` train equal probes."""
    rng = np.random.default_rng(0)
    sequences = ragged.join(rng.integers(1, WORDS, (PEOPLE, LENGTH)).tolist(), 0)
    items = Items(sequences, np.arange(PEOPLE), np.tile(POSITIONS, (PEOPLE, 1)))
    labels = rng.integers(0, CLASSES, PEOPLE)
    pairs = [(task, position) for task in tasks.TASKS for position in range(len(POSITIONS))]

    def speed(*stacks: list[Head]) -> float:
        built = [models.build(LAPTOP.model, WORDS, 0, 0) for _ in stacks]
        probes = [
            Stack(model, heads, CONFIG.rank, "layer", 0, "auto") for model, heads in zip(built, stacks, strict=True)
        ]

        def train() -> None:
            for probe in probes:
                linear_training.train(probe, items, 0, CONFIG, 0, "probe")

        return CONFIG.steps * len(pairs) / time_call(train)

    separate = [Head(f"{task.name}@{place}", place, labels, CLASSES, f"{task.name}@{place}") for task, place in pairs]
    shared = [Head(f"{task.name}@{place}", place, labels, CLASSES, task.attribute) for task, place in pairs]
    return {
        "apart": lambda: speed(separate),
        "shared": lambda: speed(shared),
        "alone": lambda: speed(*([head] for head in separate)),
    }
