"""TODO physics_lm.training.schedules."""

import math

from physics_lm.config.training import TrainConfig


def rate(config: TrainConfig, step: int) -> float:
    """Return the learning rate of a step as a share of its peak: linear warm-up, cosine to `final`."""
    if step < config.warmup:
        return (step + 1) / config.warmup
    done = (step - config.warmup) / max(1, config.steps - config.warmup)
    return config.final + (1 - config.final) * 0.5 * (1 + math.cos(math.pi * min(1.0, done)))
