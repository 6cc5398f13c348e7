"""The figures around extraction: shuffle, architectures, question_share, scale_does_not_help, lora."""

import importlib
import json

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
import yaml
from extraction_rows import arm_rows
from matplotlib.figure import Figure
from omegaconf import OmegaConf

from experiments import reproduce
from experiments.figures import lora
from experiments.launch import figure_output, hydra_internals
from experiments.launch.arms import arm_overrides, arms_of
from experiments.launch.config import CONF, run_config
from physics_lm.plan import plan
from physics_lm.run import execute

FIGURES = ("shuffle", "architectures", "question_share", "scale_does_not_help", "lora")


def module(name):
    return importlib.import_module(f"experiments.figures.{name}")


def known_arms(name):
    with open(f"{CONF}/figure/{name}.yaml") as file:
        return list(yaml.safe_load(file)["known"])


def rows(name, share, held=None):
    """Return rows of an arm: a share (%) right on P_test, and another on people of P_train held out of training."""
    test_rows = arm_rows([share] * 6)
    held_rows = arm_rows([share if held is None else held] * 6)
    held_rows = held_rows[(held_rows["task"] == "extraction") & (held_rows["split"] == "test")].assign(split="held")
    settings = {"model.layers": 2, "model.width": 64, "pretrain.steps": 1000}
    return pd.concat([test_rows, held_rows], ignore_index=True).assign(**settings)


def published(name):
    """Return every arm as the paper has it; an arm without a number is like its neighbours."""
    numbers = {arm: module(f"{name}_paper").values(arm) for arm in known_arms(name)}
    unpublished = {"mistral_single": 4, "mistral_multi5_permute": 92}
    if name == "lora":
        unpublished = {arm: 9 if arm.startswith("single") else 60 if arm.endswith("_e0") else 90 for arm in numbers}
    if name == "scale_does_not_help":
        unpublished = dict.fromkeys(numbers, 6)
    return {arm: rows(arm, value[0] if value else unpublished[arm]) for arm, value in numbers.items()}


@pytest.fixture(scope="module", params=FIGURES)
def figure(request):
    return request.param, published(request.param)


def test_every_claim_holds_on_the_papers_own_numbers(figure):
    name, arms = figure
    claims = module(name).claims(arms, True, "paper")
    assert claims
    assert [claim.id for claim in claims if not claim.holds] == []
    assert all(claim.low <= claim.ours <= claim.high for claim in claims)


def test_claims_fail_where_all_arms_are_alike(figure):
    name, arms = figure
    flat = {arm: rows(arm, 50) for arm in arms}
    failed = [claim.id for claim in module(name).claims(flat, True, "laptop") if claim.holds is False]
    expected = {
        "shuffle": {"F1", "F1.fullname"},
        "architectures": {"A19.llama.single", "A19.llama.multi5", "A19.lower"},
        "question_share": {"A9", "A9.rise", "A9.flat", "A9.fall"},
        "scale_does_not_help": {"A3"},
        "lora": {"A10", "A10.level", "A2.lora"},
    }
    assert expected[name] <= set(failed)


def test_smoke_judges_nothing_and_missing_arms_are_named(figure):
    name, arms = figure
    assert all(
        claim.holds is None and "only shows" in claim.reason for claim in module(name).claims(arms, False, "smoke")
    )
    for claim in module(name).claims({}, True, "laptop"):
        assert claim.holds is None
        assert "needs the arms" in claim.reason


def test_the_table_has_our_numbers_and_the_papers(figure):
    name, arms = figure
    table = module(name).table(arms)
    assert len(table) == 7 * len(arms)
    for arm in arms:
        mean = table[(table["arm"] == arm) & (table["attribute"] == "mean")].iloc[0]
        assert mean["low"] <= mean["accuracy"] <= mean["high"]
        numbers = module(f"{name}_paper").values(arm)
        assert (pd.isna(mean["paper"]) and not numbers) or mean["paper"] == numbers[0]


@pytest.mark.parametrize("scale", ["default", "laptop", "all"])
def test_the_picture_is_drawn_with_few_arms_and_with_all(figure, scale, tmp_path):
    name, arms = figure
    config = hydra_internals.compose(
        [f"figure={name}", "scale=laptop", f"figure.arms={'default' if scale != 'all' else 'all'}"]
    )
    chosen = {arm: arms[arm] for arm in arms_of(config.figure, "laptop")}
    if scale == "default":
        chosen = dict(list(chosen.items())[:2])
    picture = module(name).draw(chosen, module(name).table(chosen), "caption")
    assert isinstance(picture, Figure)
    picture.savefig(tmp_path / "figure.png")
    plt.close(picture)
    assert "nan" not in " ".join(text.get_text() for axis in picture.axes for text in axis.texts)


def test_the_papers_numbers_are_percentages(figure):
    name, arms = figure
    values = [value for arm in arms for value in module(f"{name}_paper").values(arm)]
    assert values
    assert all(0 <= value <= 100 for value in values)


def test_a_rank_is_chosen_on_the_people_held_out_of_training_and_never_on_p_test():
    arms = {
        "r2_e128": rows("r2_e128", share=99, held=40),
        "r8_e128": rows("r8_e128", share=70, held=60),
        "r2_e0": rows("r2_e0", share=90, held=10),
        "r8_e0": rows("r8_e0", share=30, held=20),
        "single_r8_e128": rows("single_r8_e128", share=5, held=90),
    }
    assert lora.best_arm(arms, 128) == "r8_e128"
    assert lora.best_arm(arms, 0) == "r8_e0"
    claims = {claim.id: claim for claim in lora.claims(arms, True, "laptop")}
    assert claims["A10"].ours == pytest.approx(40, abs=1)
    assert claims["A10.level"].ours == pytest.approx(70, abs=1)
    assert lora.best_arm(arms, 128, single=True) == "single_r8_e128"


def test_ranks_are_read_from_the_names():
    assert [lora.ranks(name) for name in ("full", "single_full", "r2_e0", "single_r16_e128")] == [
        None,
        None,
        (2, 0),
        (16, 128),
    ]


@pytest.mark.parametrize("name", FIGURES)
def test_a_figure_runs_from_end_to_end_at_smoke_scale(name, tmp_path, capsys):
    words = [f"figure={name}", "scale=smoke", f"paths.lab={tmp_path}"]
    config = hydra_internals.compose(words)
    for overrides in arm_overrides(config, words).values():  # here, not in a process each
        execute(run_config(hydra_internals.compose(overrides)), tmp_path)
    assert reproduce.reproduce(config, words) == 0
    folder = tmp_path / "figures" / "smoke" / name
    assert (folder / "figure.png").read_bytes().startswith(b"\x89PNG")
    claims = json.loads((folder / "claims.json").read_text())
    assert claims
    assert all(claim["holds"] is None for claim in claims)
    assert np.isfinite(pd.read_csv(folder / "table.csv")["accuracy"]).all()
    assert "Departures from the paper" in capsys.readouterr().out


@pytest.mark.parametrize("name", FIGURES)
@pytest.mark.parametrize("scale", ["laptop", "gpu", "paper"])
def test_a_figure_is_planned_at_the_larger_scales(name, scale, tmp_path, capsys):
    words = [f"figure={name}", f"scale={scale}", "plan=true", f"paths.lab={tmp_path / 'lab'}"]
    assert reproduce.reproduce(hydra_internals.compose(words), words) == 0
    assert "runs are missing" in capsys.readouterr().out
    assert not (tmp_path / "lab").exists()


def test_arms_shared_with_the_extraction_figure_are_the_same_runs():
    """No arm of the extraction figure is trained again for another figure."""

    def keys(name, arms):
        config = hydra_internals.compose([f"figure={name}", "scale=laptop", f"figure.arms=[{','.join(arms)}]"])
        jobs = arm_overrides(config, ["scale=laptop"])
        return [plan(run_config(hydra_internals.compose(overrides)))["probe"].key for overrides in jobs.values()]

    single, multi, mixed = keys("extraction", ["single", "multi5_permute", "single_mixed"])
    assert keys("shuffle", ["shuffled"]) == [multi]
    assert keys("architectures", ["gpt2_rotary_single", "gpt2_rotary_multi5_permute"]) == [single, multi]
    assert keys("question_share", ["single_80"]) == [mixed]
    assert keys("scale_does_not_help", ["base_mid"]) == [single]


def test_the_caption_gives_the_people_and_models_of_the_arms():
    config = OmegaConf.create({"scale": {"name": "laptop", "shows": True}, "figure": {"seeds": 2}, "seed": 3})
    settings = [(200, 3, 192), (1600, 3, 192)]
    columns = ["world.people", "model.layers", "model.width"]
    arms = {str(number): pd.DataFrame([row], columns=columns) for number, row in enumerate(settings)}
    caption = figure_output.caption(config, arms)
    assert caption.startswith("scale=laptop: 200 to 1,600 people, 3 layers of width 192, 2 seeds from 3.")
