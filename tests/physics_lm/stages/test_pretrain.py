"""Pretraining as a stage."""

from dataclasses import replace

import pins

from physics_lm.stages import pretrain


def test_the_version_and_its_batches_change_together(lab, batches_of):
    mixed = replace(lab.config, pretrain=replace(lab.config.pretrain, question_share=0.5))
    feeds = [batches_of(config, "pretrain") for config in (lab.config, mixed)]
    batches = [[array.tolist() for array in feed(step).values()] for feed in feeds for step in (0, 1, 9)]
    assert pins.pinned(pretrain, batches) == (2, "b0086577821eb864")
