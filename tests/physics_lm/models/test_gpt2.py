"""The version of gpt2; its properties are tested with those of the other models."""

import pins
from model_outputs import likeliest

from physics_lm import models
from physics_lm.models import gpt2


def test_the_version_and_the_model_change_together():
    model = models.build(gpt2.Config(layers=2, width=32, heads=4, positions=16), 64, 0, 0)
    assert pins.pinned(gpt2, likeliest(model)) == (1, "2178356a007a117c")
