"""The fine-tuning before the fine-tuning: the same stage, always on extraction questions."""

import pins

from physics_lm.plan import plan
from physics_lm.stages import prior


def test_the_version_and_its_batches_change_together(lab, smoke, batches_of):
    run = smoke("corpus=multi2_permute", "prior=full", "questions=inverse", "probe=manipulation")
    feed = batches_of(run, "finetune")
    batches = [[array.tolist() for array in feed(step).values()] for step in (0, 1, 9)]
    assert pins.pinned(prior, batches) == (1, "6bea693ec845016e")
    assert plan(run)["prior"] == plan(lab.config)["finetune"]
