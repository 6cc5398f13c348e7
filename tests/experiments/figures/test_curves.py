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
from experiments.launch.config import run_config
from physics_lm import run as pipeline

STEPS = np.arange(20, 1001, 20)
PEOPLE = 12


def items(task, split, correct, logprob, confidence):
    """Return rows whose per-step means are the given curves, people spread a little around them."""
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


def mixed(order):
    parts = [
        items(task, split, rise(middle), -rise(middle), rise(middle))
        for (task, split, *_), middle in zip(curves.SERIES, order, strict=True)
    ]
    return pd.concat(parts, ignore_index=True)


def reading(end, begins):
    """Return an arm whose plateau ends at a step, and whose confidence about strangers begins at another."""
    known, confident = rise(end + 90), rise(begins + 65)
    parts = [
        items("biography", split, known, -5 * (1 - known) - 0.01, 0.1 + 0.8 * known) for split in ("train", "test")
    ]
    parts.append(items("biography", "unknown", 0 * known, -5 - 3 * confident, 0.1 + 0.7 * confident))
    return pd.concat(parts, ignore_index=True)


@pytest.fixture(scope="module")
def arms():
    counts = (200, 400, 800, 1600)
    found = {f"n{n}": reading(3 * plateau(n) / 2, 3 * plateau(n) / 2) for n in counts}
    return {"single_mixed": mixed((100, 200, 300, 600)), **found}


def by_id(arms, shows=True):
    return {claim.id: claim for claim in curves.claims(arms, shows, "laptop")}


def test_a_crossing_lies_between_two_evaluations():
    steps, values = np.array([10.0, 20.0, 30.0]), np.array([0.0, 0.2, 0.6])
    assert learning_curves.crossing(steps, values, 0.1) == 15
    assert learning_curves.crossing(steps, values, 0.4) == 25
    assert learning_curves.crossing(steps, values, 0.0) == 10
    assert learning_curves.crossing(steps, values, 0.9) == 30


def test_an_estimate_resamples_people_and_keeps_the_point():
    values = np.array([[0.0, 0.0, 0.0, 0.0], [1.0, 1.0, 0.0, 0.0]])
    track = learning_curves.Track(np.array([1.0, 2.0]), ("a", "b", "c", "d"), values)
    found = learning_curves.estimate([track], lambda means: float(means[0][1]))
    assert found.value == 0.5
    assert found.low < 0.5 < found.high
    same = learning_curves.estimate([track, track], lambda means: float(means[0][1] - means[1][1]))
    assert (same.value, same.low, same.high) == (0, 0, 0)


def test_every_claim_holds_where_the_curves_are_the_published_ones(arms):
    claims = by_id(arms)
    assert set(claims) == {"A1.order.1", "A1.order.2", "A1.order.3", "E1", "E2"}
    assert all(claim.holds for claim in claims.values())
    assert claims["A1.order.1"].ours == pytest.approx(100, abs=15)
    assert claims["A1.order.3"].ours == pytest.approx(300, abs=15)
    assert claims["E1"].low <= claims["E1"].ours <= claims["E1"].high


def test_claims_fail_where_the_curves_are_others():
    flat = {f"n{n}": reading(200, 500) for n in (200, 400, 800)}
    claims = by_id({"single_mixed": mixed((600, 300, 200, 100)), **flat})
    assert not any(claim.holds for claim in claims.values())
    assert claims["E1"].ours == pytest.approx(0, abs=0.1)
    assert claims["E2"].ours > 1.4


def test_too_few_sizes_and_smoke_are_said(arms):
    claims = by_id({name: arms[name] for name in ("n200", "n400")})
    assert all(claim.holds is None for claim in claims.values())
    assert "at least three N" in claims["E1"].reason
    assert "single_mixed" in claims["A1.order.1"].reason
    assert all("only shows" in claim.reason for claim in by_id(arms, shows=False).values())


def test_a_plateau_longer_than_the_training_is_no_length(arms, tmp_path):
    unended = {**arms, "n3200": reading(2000, 2000)}
    assert curves.ended(unended) == ["n200", "n400", "n800", "n1600"]
    assert by_id(unended)["E1"] == by_id(arms)["E1"]
    assert by_id(unended)["E2"] == by_id(arms)["E2"]
    drawn = curves.draw(unended, curves.table(unended), "caption")
    assert "longer than training" in [text.get_text() for axis in drawn.axes for text in axis.findobj(Text)]
    few = by_id({name: unended[name] for name in ("n200", "n400", "n3200")})
    assert "whose plateau ends" in few["E1"].reason


@pytest.mark.parametrize("names", [["single_mixed"], ["n200"], ["single_mixed", "n200", "n400", "n800", "n1600"]])
def test_the_picture_is_drawn_with_few_arms_and_with_all(arms, names, tmp_path):
    chosen = {name: arms[name] for name in names}
    table = curves.table(chosen)
    assert (table["low"] <= table["value"] + 1e-4).all()
    assert (table["value"] <= table["high"] + 1e-4).all()
    drawn = curves.draw(chosen, table, "caption")
    assert isinstance(drawn, Figure)
    drawn.savefig(tmp_path / "figure.png")


def test_the_figure_runs_from_end_to_end_at_smoke_scale(tmp_path):
    words = ["figure=curves", "scale=smoke", f"paths.lab={tmp_path}"]
    config = hydra_internals.compose(words)
    for overrides in reproduce.jobs_of(config, words).values():  # here, not in a process each
        pipeline.run(run_config(hydra_internals.compose(overrides)), tmp_path)
    assert reproduce.reproduce(config, words) == 0
    made = tmp_path / "figures" / "smoke" / "curves"
    assert (made / "figure.png").read_bytes().startswith(b"\x89PNG")
    assert all(claim["holds"] is None for claim in json.loads((made / "claims.json").read_text()))
    table = pd.read_csv(made / "table.csv")
    assert set(table["step"]) == {4, 8, 12}


@pytest.mark.parametrize("scale", ["laptop", "gpu", "paper"])
def test_the_figure_is_planned_at_the_larger_scales(scale, tmp_path, capsys):
    words = ["figure=curves", f"scale={scale}", "plan=true", f"paths.lab={tmp_path / 'lab'}"]
    assert reproduce.reproduce(hydra_internals.compose(words), words) == 0
    assert "runs are missing" in capsys.readouterr().out
