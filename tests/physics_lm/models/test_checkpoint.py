"""A model from a folder."""

import pins
from kind_configs import model_config
from model_outputs import likeliest

from physics_lm import models
from physics_lm.models import checkpoint


def test_the_version_and_the_model_change_together(tmp_path):
    models.build(model_config("gpt2", 1, 16, 2, 16), 64, 0, 0).save_pretrained(tmp_path)
    model = models.build(checkpoint.Config(path=str(tmp_path)), 64, 0, 0)
    assert pins.pinned(checkpoint, likeliest(model)) == (1, "bcd373c34efda9e1")
