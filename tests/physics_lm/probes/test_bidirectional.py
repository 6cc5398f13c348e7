"""The bidirectional probe; how it masks and counts is tested beside the masked objective."""

import pins

from physics_lm.probes import bidirectional


def test_the_version_and_its_rows_change_together(smoke, tmp_path):
    objective = ("pretrain.objective=masked", "finetune.objective=masked")
    words = ("corpus=single", *objective, "pretrain.steps=2", "finetune.steps=2")
    rows = pins.rows(smoke(*words, "probe=bidirectional"), tmp_path)
    assert pins.pinned(bidirectional, rows) == (2, "5812a0f10088f574")
