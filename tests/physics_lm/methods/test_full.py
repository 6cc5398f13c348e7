"""Fine-tuning of every weight."""

import pins
from kind_configs import model_config

from physics_lm import models
from physics_lm.methods import full


def test_the_version_and_the_weights_that_are_trained_change_together():
    model = full.attach(models.build(model_config("llama", 1, 16, 2, 16), 60, 0, 1), full.Config(), 7)
    assert all(weight.requires_grad for weight in model.parameters())
    weights = [[name, list(weight.shape)] for name, weight in model.named_parameters()]
    assert pins.pinned(full, weights) == (1, "b7acd70eb2c9814a")
