"""Fine-tuning as a stage, and as the stage before itself."""

import pins

from physics_lm.plan import plan
from physics_lm.stages.finetune import FINETUNE as finetune

BATCHES = "6bea693ec845016e"


def batches(feed):
    return [[array.tolist() for array in feed(step).values()] for step in (0, 1, 9)]


def test_the_version_and_its_batches_change_together(lab, batches_of):
    assert pins.pinned(finetune, batches(batches_of(lab.config, "finetune"))) == (1, "6bea693ec845016e")


def test_a_prior_is_the_fine_tuning_on_extraction_questions(lab, smoke, batches_of):
    run = smoke("corpus=multi2_permute", "prior=full", "questions=inverse", "probe=manipulation")
    assert pins.pinned(finetune, batches(batches_of(run, "finetune"))) == (1, BATCHES)
    assert plan(run)["prior"] == plan(lab.config)["finetune"]
    assert plan(run)["finetune"].inputs["model"] == plan(run)["prior"].key
