"""The three figures of the reversal curse on rows whose truth is known."""

import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure
from published_folder import write_published

from data_gen.facts.fact import BOTH, CONTEXT_REVERSE, CONTEXT_SAME, DESCRIPTION_FIRST, NAME_FIRST, REVERSE, SAME, TOLD
from data_gen.facts.instructions import ANSWER_FIRST, QUESTION_FIRST
from experiments import reproduce
from experiments.figures import reversal, reversal_cures, reversal_logprob
from experiments.figures import reversal_cures_paper as cures_paper
from experiments.launch import hydra_internals
from experiments.launch.arms import arm_overrides
from experiments.launch.config import run_config
from physics_lm import checks
from physics_lm.plan import plan

FACTS = 200
FIGURES = ("reversal", "reversal_logprob", "reversal_cures")


def cell(task, subset, share, facts=FACTS, **columns):
    """Return two questions a fact, of which `share` percent of the facts are right."""
    right = np.arange(facts) < round(share * facts / 100)
    table = pd.DataFrame({"fact": [f"{subset}{i}" for i in range(facts)], "correct": right})
    table = table.assign(task=task, attribute=subset, seed=0, candidates=facts, **columns)
    return pd.concat([table, table])


def trained(name, description, reverse=0.0, both=80.0):
    """Return the rows of an arm from its accuracies by order of training, in the other order, and with both orders."""
    return pd.concat(
        [
            cell(SAME, NAME_FIRST, name),
            cell(SAME, DESCRIPTION_FIRST, description),
            cell(TOLD, NAME_FIRST, name),
            cell(REVERSE, NAME_FIRST, reverse),
            cell(REVERSE, DESCRIPTION_FIRST, reverse),
            cell(SAME, BOTH, both),
            cell(CONTEXT_SAME, NAME_FIRST, 60),
            cell(CONTEXT_REVERSE, NAME_FIRST, 55),
        ]
    )


def logprobs(reverse_effect):
    rng, cells = np.random.default_rng(0), []
    for subset in (NAME_FIRST, DESCRIPTION_FIRST):
        for task, effect in ((SAME, 4.0), (REVERSE, reverse_effect)):
            other, z = rng.normal(-9, 1, FACTS), rng.normal(effect, 1, FACTS)
            rank = np.clip(rng.integers(1, FACTS + 1, FACTS) * (1 if effect < 1 else 0), 1, None)
            cells.append(cell(task, subset, 0, z=1.0).assign(z=np.tile(z, 2), rank=np.tile(rank, 2)))
            cells[-1] = cells[-1].assign(gold_logprob=np.tile(z - 9, 2), other_logprob=np.tile(other, 2))
    return pd.concat(cells)


@pytest.fixture(scope="module")
def arms():
    """Return arms with the paper's accuracies."""
    return {
        "standard": trained(50, 96.7),
        "base": trained(0, 0),
        "few": trained(50, 96.7),
        "scratch": trained(60, 60),
        "instructions_same": cell(SAME, QUESTION_FIRST, 85, 100),
        "instructions_reversed": cell(REVERSE, ANSWER_FIRST, 1, 100),
    }


@pytest.fixture(scope="module")
def cured():
    shares = {"standard": 0, "token": 0, "word": 2, "entity": 80, "segment": 70, "identity": 40, "uniform": 68}
    finetuned = {arm: trained(90, 90, share) for arm, share in shares.items()}
    return {
        **finetuned,
        **{f"{arm}_scratch": rows for arm, rows in finetuned.items()},
        "entity_data": trained(90, 90, 95),
    }


def claims_by_id(claims):
    return {claim.id: claim for claim in claims}


def test_every_claim_of_the_curse_holds_on_the_papers_numbers(arms):
    claims = reversal.claims(arms, True, "paper")
    assert {claim.id.partition(".")[0] for claim in claims} == {"D1", "D3", "D4", "D5"}
    assert [claim.id for claim in claims if not claim.holds] == []
    assert all(claim.low <= claim.ours <= claim.high for claim in claims)


def test_no_claim_of_the_curse_holds_where_both_orders_are_known(arms):
    broken = {
        **arms,
        "standard": trained(30, 40, 30),
        "scratch": trained(30, 40, 30),
        "instructions_same": cell(SAME, QUESTION_FIRST, 20, 100),
        "instructions_reversed": cell(REVERSE, ANSWER_FIRST, 20, 100),
    }
    claims = claims_by_id(reversal.claims(broken, True, "paper"))
    assert [id for id, claim in claims.items() if claim.holds] == ["D4"]


def test_the_control_in_context_is_judged_only_where_the_base_model_can_answer_forward(arms):
    unable = trained(0, 0).assign(correct=lambda t: t["correct"] & (t["task"] != CONTEXT_SAME))
    claim = claims_by_id(reversal.claims({**arms, "base": unable}, True, "laptop"))["D4"]
    assert claim.holds is None
    assert "cannot even answer forward from its prompt: 0.0 (reversed 55.0)" in claim.reason


def test_the_table_has_chance_interval_and_paper(arms):
    cells = reversal.table(arms).set_index(["arm", "subset", "task"])
    row = cells.loc["standard", NAME_FIRST, REVERSE]
    assert (row["accuracy"], row["chance"], row["paper"], row["facts"], row["questions"]) == (0, 0.5, 0.0, 200, 400)
    assert row["low"] <= 1e-9
    assert 1 < row["high"] < 2.5
    assert cells.loc["instructions_same", QUESTION_FIRST, SAME]["paper"] == 80


def test_log_probabilities_are_judged_by_effect_and_tests():
    no_effect, effect = ({"standard": logprobs(size)} for size in (0.0, 0.5))
    assert {claim.id for claim in reversal_logprob.claims(no_effect, True, "laptop") if not claim.holds} == set()
    broken = claims_by_id(reversal_logprob.claims(effect, True, "laptop"))
    assert [id for id, claim in broken.items() if claim.holds] == ["D2.same"]


def test_cures_are_judged_fine_tuned_and_from_scratch(cured):
    claims = claims_by_id(reversal_cures.claims(cured, True, "gpu"))
    assert [id for id, claim in claims.items() if not claim.holds] == []
    assert claims["D6.entity"].ours == 80
    assert claims["D6.word"].ours == pytest.approx(2 / 80, abs=0.01)
    swapped = {**cured, "entity": cured["token"], "token": cured["entity"]}
    broken = claims_by_id(reversal_cures.claims(swapped, True, "gpu"))
    assert not any(broken[id].holds for id in ("D6.entity", "D6.token", "D6.word"))


@pytest.mark.parametrize(("module", "fixture"), [(reversal, "arms"), (reversal_cures, "cured")])
def test_a_claim_names_missing_arms_and_a_scale_too_small(module, fixture, request):
    arms = request.getfixturevalue(fixture)
    for claim in module.claims(arms, False, "smoke"):
        assert (claim.holds, claim.ours) == (None, None)
        assert "only shows that the code runs" in claim.reason
    few = module.claims({"standard": arms["standard"]}, True, "laptop")
    assert any("needs the arms" in claim.reason for claim in few)
    assert any(claim.holds for claim in few)


def test_the_pictures_are_drawn(arms, cured, tmp_path):
    figures = [
        (reversal, arms),
        (reversal, {"standard": arms["standard"]}),
        (reversal_logprob, {"standard": logprobs(0.0), "scratch": logprobs(0.1)}),
        (reversal_cures, cured),
        (reversal_cures, {"entity": cured["entity"]}),
    ]
    for module, figure_arms in figures:
        figure = module.draw(figure_arms, module.table(figure_arms), "caption")
        assert isinstance(figure, Figure)
        figure.savefig(tmp_path / "figure.png")
        assert "nan" not in " ".join(text.get_text() for axis in figure.axes for text in axis.texts)


def test_every_arm_has_a_name_and_the_papers_word():
    names = hydra_internals.compose(["figure=reversal_cures"]).figure.known
    for arm in names:
        assert reversal_cures.label(arm)
        cure = cures_paper.cure_of(arm)
        assert cure == "masked" or cures_paper.accuracy(arm) is not None or cure in cures_paper.VERDICTS


@pytest.mark.parametrize("name", FIGURES)
@pytest.mark.parametrize("scale", ["smoke", "laptop", "gpu", "paper"])
def test_every_arm_is_composed_and_planned_at_every_scale(name, scale):
    config = hydra_internals.compose([f"scale={scale}", f"figure={name}", "figure.arms=all"])
    jobs = arm_overrides(config, [f"scale={scale}"])
    runs = {job: run_config(hydra_internals.compose(overrides)) for job, overrides in jobs.items()}
    for run in runs.values():
        if scale != "paper":  # whose tokenizer comes from the hub
            checks.check(run)
    plans = [plan(run) for run in runs.values()]
    assert len({chain["probe"].key for chain in plans}) == len(plans)
    assert len({chain["corpus"].key for chain in plans}) == 1


def test_the_published_folder_is_one_override_of_a_figure(tmp_path):
    write_published(tmp_path)
    for name in FIGURES:
        config = hydra_internals.compose(["scale=smoke", f"figure={name}"])
        jobs = arm_overrides(config, ["scale=smoke", f"figure={name}", f"facts.folder={tmp_path}"])
        for overrides in jobs.values():
            run = run_config(hydra_internals.compose(overrides))
            checks.check(run)
            assert getattr(run.facts, "folder", "") == (str(tmp_path) if run.facts.kind == "names" else "")


@pytest.mark.parametrize("name", FIGURES)
def test_the_smoke_figure_is_made(name, tmp_path, monkeypatch, capsys):
    config = hydra_internals.compose(["scale=smoke", f"figure={name}", f"paths.lab={tmp_path}"])
    launcher = ["hydra/launcher=stacked", "hydra.launcher.workers=1"]  # one process: its arms share the start-up
    overrides = ["scale=smoke", f"figure={name}", f"paths.lab={tmp_path}", *launcher]
    assert reproduce.reproduce(config, overrides) == 0
    assert (tmp_path / "figures" / "smoke" / name / "figure.png").exists()
    assert "only shows that the code runs" in capsys.readouterr().out
