"""A P-probe's heads trained as a stack, against each head on its own; what is read does not matter here."""

import time
from collections.abc import Callable, Iterator

import numpy as np

from experiments.benchmarks import Row, interleaved
from experiments.benchmarks.loop import LAPTOP
from physics_lm.config.probe import ProbeConfig
from physics_lm.data import ragged
from physics_lm.models import registry
from physics_lm.probes.linear import tasks
from physics_lm.probes.linear import training as linear_training
from physics_lm.probes.linear.stack import Head, Items, Stack

WORDS, PEOPLE, LENGTH, CLASSES, ROUNDS = 832, 200, 57, 50, 3
PLACES = (7, 16, 25, 34, 43, 52)  # of the laptop's entries, about
CONFIG = ProbeConfig("p_probe", steps=4, examples=12, rank=2)
RIVAL = "each probe on its own"


def rows(cuda: bool) -> Iterator[Row]:
    """Measure how many probes take a step in a second: 11 tasks at six places, on the CPU."""
    if cuda:
        return
    found = interleaved(contenders(), ROUNDS)
    for name, device in (("apart", "cpu, an update each"), ("shared", "cpu, an update an attribute")):
        yield Row(f"probe_stack_{name}", "probe steps/s", found[name], found["alone"], RIVAL, "higher", None, device)


def contenders() -> dict[str, Callable[[], float]]:
    """Return what measures probe steps a second by each way; `apart` and `alone` end in the same probes."""
    rng = np.random.default_rng(0)
    sequences = ragged.join(rng.integers(1, WORDS, (PEOPLE, LENGTH)).tolist(), 0)
    items = Items(sequences, np.arange(PEOPLE), np.tile(PLACES, (PEOPLE, 1)))
    label = rng.integers(0, CLASSES, PEOPLE)
    pairs = [(task, place) for task in tasks.TASKS for place in range(len(PLACES))]

    def train(*stacks: list[Head]) -> float:
        made = [
            Stack(registry.build(LAPTOP.model, WORDS, 0, 0), heads, CONFIG.rank, "layer", 0, "auto") for heads in stacks
        ]
        start = time.perf_counter()
        for stack in made:
            linear_training.train(stack, items, 0, CONFIG, 0, "probe")
        return CONFIG.steps * len(pairs) / (time.perf_counter() - start)

    apart = [Head(f"{task.name}@{place}", place, label, CLASSES, f"{task.name}@{place}") for task, place in pairs]
    shared = [Head(f"{task.name}@{place}", place, label, CLASSES, task.attribute) for task, place in pairs]
    return {
        "apart": lambda: train(apart),
        "shared": lambda: train(shared),
        "alone": lambda: train(*([head] for head in apart)),
    }
