"""Learning-rate schedules: pure functions of a step's number, chosen by `schedule`."""

import math
from collections.abc import Callable, Mapping

from physics_lm.config.training import TrainConfig

DECAY_SHARE = 0.2  # of the steps after the warm-up in which `wsd` decays


def cosine(done: float) -> float:
    """Return half a cosine from 1 to 0. done: the share of the steps after the warm-up, from 0 to 1."""
    return 0.5 * (1 + math.cos(math.pi * done))


def linear(done: float) -> float:
    """Return a straight line from 1 to 0."""
    return 1 - done


def constant(done: float) -> float:
    """Return 1."""
    return 1.0


def warmup_stable_decay(done: float) -> float:
    """Return 1, and in the last fifth a straight line to 0."""
    return min(1.0, (1 - done) / DECAY_SHARE)


SHAPES: Mapping[str, Callable[[float], float]] = {
    "cosine": cosine, "linear": linear, "constant": constant, "wsd": warmup_stable_decay,
}  # fmt: skip


def rate(config: TrainConfig, step: int) -> float:
    """Return a step's learning rate as a share of the peak: linear warm-up, then from 1 to `final` in a shape."""
    if step < config.warmup:
        return (step + 1) / config.warmup
    done = min(1.0, (step - config.warmup) / max(1, config.steps - config.warmup))
    return config.final + (1 - config.final) * SHAPES[config.schedule](done)
