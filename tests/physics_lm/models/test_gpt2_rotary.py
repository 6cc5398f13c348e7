"""The version of gpt2_rotary; its properties are tested with those of the other models."""

import pins
from model_outputs import likeliest

from physics_lm import models
from physics_lm.models import gpt2_rotary


def test_the_version_and_the_model_change_together():
    model = models.build(gpt2_rotary.Config(layers=2, width=32, heads=4, positions=16), 64, 0, 0)
    assert pins.pinned(gpt2_rotary, likeliest(model)) == (1, "60ef045c2bba24cf")
