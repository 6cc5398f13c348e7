"""The preset for one GPU, shown to run: its own sizes but for the people and the steps, on whatever is here."""

import pandas as pd
import pytest

from experiments import reproduce
from experiments.launch import hydra_internals
from experiments.launch.config import run_config
from physics_lm import plan
from physics_lm import run as pipeline
from physics_lm.store.artifacts import Store

FEW = [
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
    (overrides,) = reproduce.jobs_of(config, ["scale=gpu"]).values()
    whole = run_config(hydra_internals.compose(overrides))
    few = run_config(hydra_internals.compose([*overrides, *FEW]))
    assert few.model == whole.model
    assert few.tokenizer == whole.tokenizer
    rows = pd.read_parquet(pipeline.run(few, tmp_path) / "rows.parquet")
    assert set(rows["model.width"]) == {whole.model.width}
    manifest = Store(tmp_path).manifest(plan.plan(few).pretrain)
    assert manifest["parameters"] > 4_500_000


def test_the_16_sets_fine_tuned_and_mixed_are_what_the_preset_draws():
    config = hydra_internals.compose(["figure=extraction", "scale=gpu"])
    arms = reproduce.arms_of(config.figure, "gpu")
    assert len(arms) == 32
    assert sum(arm.endswith("_mixed") for arm in arms) == 16
