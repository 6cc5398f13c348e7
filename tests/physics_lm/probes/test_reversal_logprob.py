"""The version of the log-probability probe; its ranking is tested with the other reversal probe."""

import pins

from physics_lm.probes import reversal_logprob


def test_the_version_and_its_rows_change_together(smoke, tmp_path):
    run = smoke("corpus=single", "facts=names", "probe=reversal_logprob", "pretrain.steps=2", "finetune.steps=2")
    rows = pins.rows(run, tmp_path, ["fact", "candidates"])
    assert pins.pinned(reversal_logprob, rows) == (2, "7aa7c0e032e0eeb9")
