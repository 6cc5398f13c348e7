"""Fine-tuning as a stage."""

import pins

from physics_lm.stages import finetune


def test_the_version_and_its_batches_change_together(lab, batches_of):
    feed = batches_of(lab.config, "finetune")
    batches = [[array.tolist() for array in feed(step).values()] for step in (0, 1, 9)]
    assert pins.pinned(finetune, batches) == (1, "6bea693ec845016e")
