"""The version of p_probe; its properties are tested with those of the other linear probe."""

import shutil

import pins

from physics_lm.probes import p_probe

COLUMNS = ["position", "own", "classes", "seen", "majority"]


def test_the_version_and_its_rows_change_together(lab, smoke, tmp_path):
    shutil.copytree(lab.path, tmp_path / "lab")
    run = smoke("corpus=multi2_permute", "finetune=none", "probe=p_probe", "probe.steps=1")
    assert pins.pinned(p_probe, pins.rows(run, tmp_path / "lab", COLUMNS)) == (2, "1f7bb7678a95ee1e")
