"""The learning-rate schedule."""

import math

from physics_lm.config.training import TrainConfig


def lr_factor(config: TrainConfig, step: int) -> float:
    """Return a step's learning rate as a share of the peak: linear warm-up, then a cosine down to `final`."""
    if step < config.warmup:
        return (step + 1) / config.warmup
    done = (step - config.warmup) / max(1, config.steps - config.warmup)
    return config.final + (1 - config.final) * 0.5 * (1 + math.cos(math.pi * min(1.0, done)))
