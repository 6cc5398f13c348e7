"""What the rows of every probe share: the run's key and its settings."""

import pandas as pd
import pins

from physics_lm.stages import probe

SOME = ["seed", "corpus.name", "world.pools.city", "model.kind", "pretrain.lr", "finetune.steps", "probe.batch"]


def test_the_version_and_what_stands_beside_every_row_change_together(lab):
    rows = pd.read_parquet(lab.folder("probe") / "rows.parquet")
    settings = rows[SOME].drop_duplicates().to_numpy().tolist()
    assert set(rows["run"]) == {lab.plan.rows.key}
    assert pins.pinned(probe, [list(rows)[:13], SOME, settings]) == (1, "7ba7e7a3813fb5d2")
