"""The version of llama; its properties are tested with those of the other models."""

import pins
from model_outputs import likeliest

from physics_lm import models
from physics_lm.models import llama


def test_the_version_and_the_model_change_together():
    model = models.build(llama.Config(layers=2, width=32, heads=4, positions=16), 64, 0, 0)
    assert pins.pinned(llama, likeliest(model)) == (1, "48207d5dc39a45dc")
