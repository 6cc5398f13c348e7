"""The figure of learning curves, on curves whose plateau, onset and order are known."""

import json

import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure
from matplotlib.text import Text

from data_gen.people.attributes import NAMES
from experiments import reproduce
from experiments.figures import curves
from experiments.figures._shared import learning_curves
from experiments.figures.curves_paper import plateau
from experiments.launch import hydra_internals
from experiments.launch.arms import arm_overrides
from experiments.launch.config import run_config
from physics_lm.run import execute

STEPS = np.arange(20, 1001, 20)
PEOPLE = 12


def task_rows(task, split, correct, logprob, confidence):
    """Return rows whose means at each step are the given curves; people differ a little."""
    rows = []
    for place, step in enumerate(STEPS):
        for person in range(PEOPLE):
            tokens = 20
            right = int(round(np.clip(correct[place] + 0.02 * (person - 5.5) / 5.5, 0, 1) * tokens))
            for name in NAMES:
                rows.append(
                    {
                        "task": task, "split": split, "step": step, "seed": 0, "attribute": name,
                        "person": person + 100 * ["train", "test", "unknown"].index(split), "tokens": tokens,
                        "tokens_correct": right, "correct": person < round(PEOPLE * correct[place]),
                        "gold_logprob": logprob[place] - 0.1 * person, "confidence": confidence[place],
                    }
                )  # fmt: skip
    return pd.DataFrame(rows)


def rise(middle, low=0.0, high=1.0, width=30):
    return low + (high - low) / (1 + np.exp(-(STEPS - middle) / width))


def mixed_rows(order):
    tables = [
        task_rows(task, split, rise(middle), -rise(middle), rise(middle))
        for (task, split, *_), middle in zip(curves.SERIES, order, strict=True)
    ]
    return pd.concat(tables, ignore_index=True)


def plateau_rows(end, onset):
    """Return an arm whose plateau ends at a step, and whose confidence about unknown people rises from another."""
    known, confident = rise(end + 90), rise(onset + 65)
    tables = [
        task_rows("biography", split, known, -5 * (1 - known) - 0.01, 0.1 + 0.8 * known) for split in ("train", "test")
    ]
    tables.append(task_rows("biography", "unknown", 0 * known, -5 - 3 * confident, 0.1 + 0.7 * confident))
    return pd.concat(tables, ignore_index=True)


@pytest.fixture(scope="module")
def arms():
    counts = (200, 400, 800, 1600)
    by_count = {f"n{n}": plateau_rows(3 * plateau(n) / 2, 3 * plateau(n) / 2) for n in counts}
    return {"single_mixed": mixed_rows((100, 200, 300, 600)), **by_count}


def by_id(arms, shows=True):
    return {claim.id: claim for claim in curves.claims(arms, shows, "laptop")}


def test_a_crossing_lies_between_two_evaluations():
    steps, values = np.array([10.0, 20.0, 30.0]), np.array([0.0, 0.2, 0.6])
    assert learning_curves.crossing_step(steps, values, 0.1) == 15
    assert learning_curves.crossing_step(steps, values, 0.4) == 25
    assert learning_curves.crossing_step(steps, values, 0.0) == 10
    assert learning_curves.crossing_step(steps, values, 0.9) == 30


def test_an_estimate_resamples_people_and_keeps_the_point():
    values = np.array([[0.0, 0.0, 0.0, 0.0], [1.0, 1.0, 0.0, 0.0]])
    curve = learning_curves.Curve(np.array([1.0, 2.0]), ("a", "b", "c", "d"), values)
    estimate = learning_curves.estimate([curve], lambda means: float(means[0][1]))
    assert estimate.value == 0.5
    assert estimate.low < 0.5 < estimate.high
    same = learning_curves.estimate([curve, curve], lambda means: float(means[0][1] - means[1][1]))
    assert (same.value, same.low, same.high) == (0, 0, 0)


def test_every_claim_holds_where_the_curves_are_the_published_ones(arms):
    claims = by_id(arms)
    assert set(claims) == {"A1.order.1", "A1.order.2", "A1.order.3", "E1", "E2"}
    assert all(claim.holds for claim in claims.values())
    assert claims["A1.order.1"].ours == pytest.approx(100, abs=15)
    assert claims["A1.order.3"].ours == pytest.approx(300, abs=15)
    assert claims["E1"].low <= claims["E1"].ours <= claims["E1"].high


def test_claims_fail_on_other_curves():
    flat = {f"n{n}": plateau_rows(200, 500) for n in (200, 400, 800)}
    claims = by_id({"single_mixed": mixed_rows((600, 300, 200, 100)), **flat})
    assert not any(claim.holds for claim in claims.values())
    assert claims["E1"].ours == pytest.approx(0, abs=0.1)
    assert claims["E2"].ours > 1.4


def test_too_few_sizes_and_the_smoke_scale_are_reasons(arms):
    claims = by_id({name: arms[name] for name in ("n200", "n400")})
    assert all(claim.holds is None for claim in claims.values())
    assert "at least three N" in claims["E1"].reason
    assert "single_mixed" in claims["A1.order.1"].reason
    assert all("only shows" in claim.reason for claim in by_id(arms, shows=False).values())


def test_a_plateau_longer_than_the_training_has_no_length(arms, tmp_path):
    unended = {**arms, "n3200": plateau_rows(2000, 2000)}
    assert curves.arms_past_plateau(unended) == ["n200", "n400", "n800", "n1600"]
    assert by_id(unended)["E1"] == by_id(arms)["E1"]
    assert by_id(unended)["E2"] == by_id(arms)["E2"]
    figure = curves.draw(unended, curves.table(unended), "caption")
    assert "longer than training" in [text.get_text() for axis in figure.axes for text in axis.findobj(Text)]
    few = by_id({name: unended[name] for name in ("n200", "n400", "n3200")})
    assert "whose plateau ends" in few["E1"].reason


@pytest.mark.parametrize("names", [["single_mixed"], ["n200"], ["single_mixed", "n200", "n400", "n800", "n1600"]])
def test_the_picture_is_drawn_with_few_arms_and_with_all(arms, names, tmp_path):
    chosen = {name: arms[name] for name in names}
    table = curves.table(chosen)
    assert (table["low"] <= table["value"] + 1e-4).all()
    assert (table["value"] <= table["high"] + 1e-4).all()
    figure = curves.draw(chosen, table, "caption")
    assert isinstance(figure, Figure)
    figure.savefig(tmp_path / "figure.png")


def test_the_figure_runs_from_end_to_end_at_smoke_scale(tmp_path):
    words = ["figure=curves", "scale=smoke", f"paths.lab={tmp_path}"]
    config = hydra_internals.compose(words)
    for overrides in arm_overrides(config, words).values():  # here, not in a process each
        execute(run_config(hydra_internals.compose(overrides)), tmp_path)
    assert reproduce.reproduce(config, words) == 0
    folder = tmp_path / "figures" / "smoke" / "curves"
    assert (folder / "figure.png").read_bytes().startswith(b"\x89PNG")
    assert all(claim["holds"] is None for claim in json.loads((folder / "claims.json").read_text()))
    table = pd.read_csv(folder / "table.csv")
    assert set(table["step"]) == {4, 8, 12}


@pytest.mark.parametrize("scale", ["laptop", "gpu", "paper"])
def test_the_figure_is_planned_at_the_larger_scales(scale, tmp_path, capsys):
    words = ["figure=curves", f"scale={scale}", "plan=true", f"paths.lab={tmp_path / 'lab'}"]
    assert reproduce.reproduce(hydra_internals.compose(words), words) == 0
    assert "runs are missing" in capsys.readouterr().out
