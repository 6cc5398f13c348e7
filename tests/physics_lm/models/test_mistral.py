"""The version of mistral; its properties are tested with those of the other models."""

import pins
from model_outputs import likeliest

from physics_lm import models
from physics_lm.models import mistral


def test_the_version_and_the_model_change_together():
    model = models.build(mistral.Config(layers=2, width=32, heads=4, positions=16, sharing=2), 64, 0, 0)
    assert pins.pinned(mistral, likeliest(model)) == (1, "68a29e9dafc98afd")
