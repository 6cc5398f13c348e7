"""The preset for one GPU runs, with fewer people and steps than it sets, on any device."""

import pandas as pd
import pytest

from experiments.launch import hydra_internals
from experiments.launch.arms import arm_overrides, arms_of, possible
from experiments.launch.config import run_config
from physics_lm.plan import plan
from physics_lm.run import execute
from physics_lm.store.artifacts import Store

SMALLER = [
    "scale=gpu",
    "world.people=40",
    "pretrain.steps=2",
    "pretrain.warmup=1",
    "pretrain.batch=2",
    "finetune.steps=2",
    "finetune.batch=4",
]


@pytest.mark.parametrize("arm", ["multi5_permute", "single_mixed"])
def test_an_arm_of_the_extraction_figure_runs_at_gpu_scale(arm, tmp_path):
    config = hydra_internals.compose(["figure=extraction", "scale=gpu", f"figure.arms=[{arm}]"])
    (overrides,) = arm_overrides(config, ["scale=gpu"]).values()
    full = run_config(hydra_internals.compose(overrides))
    small = run_config(hydra_internals.compose([*overrides, *possible(SMALLER, overrides)]))
    assert small.model == full.model
    assert small.tokenizer == full.tokenizer
    rows = pd.read_parquet(execute(small, tmp_path) / "rows.parquet")
    assert set(rows["model.width"]) == {full.model.width}
    manifest = Store(tmp_path).manifest(plan(small)["pretrain"])
    assert manifest["parameters"] > 4_500_000


def test_the_16_sets_fine_tuned_and_mixed_are_what_the_preset_draws():
    config = hydra_internals.compose(["figure=extraction", "scale=gpu"])
    arms = arms_of(config.figure, "gpu")
    assert len(arms) == 32
    assert sum(arm.endswith("_mixed") for arm in arms) == 16
