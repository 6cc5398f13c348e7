"""Learning curves as a probe; the evaluations are tested with pretraining."""

import pins

from physics_lm.probes import curves


def test_the_version_and_its_rows_change_together(smoke, tmp_path):
    words = ("corpus=single", "finetune=none", "pretrain.steps=4", "pretrain.eval_every=2", "pretrain.eval_people=8")
    rows = pins.rows(smoke(*words, "pretrain.warmup=1", "probe=curves"), tmp_path, ["step"])
    assert pins.pinned(curves, rows) == (2, "8a9ff9bc87edf3f1")
