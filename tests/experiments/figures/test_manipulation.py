"""The figures of Part 3.2: every claim holds on the paper's own numbers, and does not where nothing was learned."""

import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure

from experiments.figures import classification, comparison, inverse, retrieval
from experiments.figures import classification_paper as classes
from experiments.figures import comparison_paper as pairs
from experiments.figures import inverse_paper as searches
from experiments.figures import retrieval_paper as parts
from experiments.figures._shared import hints
from experiments.figures._shared.hints import PLAIN, WITH, WITHOUT
from physics_lm.bootstrap import Estimate

PEOPLE = 500
CHANCE = {
    "month_mod2": 50, "month_mod6": 16.7, "month_mod12": 8.3, "major_mod5": 20, "major_mod20": 5, "major_mod100": 1,
    "month_ranking": 54.2, "month_subtraction": 8.3, "major_ranking": 50.5, "major_subtraction": 1,
    "day_ranking": 51.8, "day_subtraction": 3.6,
}  # fmt: skip


TRAINED = 95  # what the people trained on are answered with; the papers do not say


def some(share, shift=0):
    """Return PEOPLE truths, a share (%) of them true, turned by `shift`."""
    return np.roll(np.arange(PEOPLE) < round(share * PEOPLE / 100), shift)


def asked(task, accuracy, hint=0.0, hinted=False, pair=False, split="test", heldout=False, **more):
    """Return the rows of one task of one arm, asked in one way."""
    people = np.arange(PEOPLE)
    right = some(accuracy)
    return pd.DataFrame(
        {
            "task": task,
            "attribute": task,
            "seed": 0,
            "split": split,
            "heldout": heldout,
            "hinted": hinted,
            "person": people,
            "other": (people + 7) % PEOPLE if pair else -1,
            "correct": right,
            "first_correct": hinted & some(hint),
            "second_correct": hinted & pair & some(hint, 5),
            "chance": CHANCE.get(task, 0) / 100,
            "ceiling": 1.0,
            "gold": np.where(people % 2, "1.", "2."),
            "prediction": np.where(right, np.where(people % 2, "1.", "2."), "0."),
            **more,
        }
    )


def hint_arm(numbers, base, share, hinted, pair):
    """Return an arm as the paper has it: numbers by task and share."""
    settings = {
        "questions.share": share / 100,
        "questions.hint": "half" if hinted else "none",
        "prior.method": "full" if base == "M'" else "none",
        "world.train_share": 0.5,
        "world.pools.major": 100,
    }
    first, rows = 4 * (base == "M'"), []
    for task, by_share in numbers.items():
        near = min(by_share, key=lambda known: abs(known - share))
        plain, with_hint, without, hint = by_share[near][first : first + 4]
        ways = [(with_hint, hint, True), (without, 0, False)] if hinted else [(plain, 0, False)]
        for accuracy, states, marked in ways:
            for split, heldout in (("train", False), ("test", False), ("test", True)):
                right = max(accuracy, TRAINED) if split == "train" else accuracy
                rows.append(asked(task, right, states, marked, pair, split, heldout, **settings))
    return pd.concat(rows, ignore_index=True)


def hint_arms(numbers, pair):
    return {
        f"{'M' if base == 'M' else 'Mq'}_{share}{'_hint' if hinted else ''}": hint_arm(
            numbers, base, share, hinted, pair
        )
        for base, given in (("M", (2.5, 10, 25, 50)), ("M'", (50,)))
        for share in given
        for hinted in (False, True)
    }


def flat(numbers, value=None):
    """Return numbers like the paper's with every accuracy at one value, or at chance."""
    return {
        task: {share: tuple(value or CHANCE[task] for _ in row) for share, row in by_share.items()}
        for task, by_share in numbers.items()
    }


def corpus_arm(numbers):
    """Return an arm without hints from accuracies by task."""
    rows = [asked(task, accuracy, heldout=held) for task, accuracy in numbers.items() for held in (False, True)]
    return pd.concat(
        [*rows, *(asked(task, value, split="train") for task, value in numbers.items())], ignore_index=True
    )


def extraction_arm(values):
    names = ("birth_date", "birth_city", "university", "major", "employer", "company_city")
    rows = [asked("extraction", value, attribute=name) for name, value in zip(names, values, strict=True)]
    return pd.concat(rows, ignore_index=True).drop(columns=["attribute"]).assign(
        attribute=np.repeat(names, PEOPLE)
    )  # fmt: skip


def retrieval_arms(values=None):
    arms = {
        name: corpus_arm(dict(zip(parts.TASKS, values or row, strict=True)) | {"first_major": 60, "last_major": 40})
        for name, row in parts.RESULTS.items()
    }
    return arms | {"multi5_permute_extraction": extraction_arm([100, 99, 91, 98, 95, 99])}


def inverse_arms(value=None):
    arms = {}
    for name, row in searches.RESULTS.items():
        cells = {f"{given}_to_{part}": row[given][part == "full"] for given in row for part in ("first", "full")}
        arms[name] = corpus_arm({task: cell if value is None else value for task, cell in cells.items()})
        arms[name].loc[arms[name]["task"].str.startswith("bdate"), "ceiling"] = 0.52  # as the paper estimates
    for name in ("multi5_permute", "single_mixed"):
        arms[name] = corpus_arm({t: (value or (1.2 if t.endswith("first") else 0)) for t in inverse.TASKS})
    return arms | {
        "multi5_permute_extraction": extraction_arm([100, 99, 91, 98, 95, 99] if value is None else [value] * 6)
    }


FIGURES = {
    "classification": (classification, hint_arms(classes.RESULTS, False), hint_arms(flat(classes.RESULTS), False)),
    "comparison": (comparison, hint_arms(pairs.RESULTS, True), hint_arms(flat(pairs.RESULTS, 80), True)),
    "retrieval": (retrieval, retrieval_arms(), retrieval_arms([70, 70, 90, 60, 60, 60, 60, 60])),
    "inverse": (inverse, inverse_arms(), inverse_arms(30)),
}
FACTS = {
    "classification": {"B4", "B5", "B8", "B9", "B10"},
    "comparison": {"B6", "B7", "B9", "B10"},
    "retrieval": {"B1", "B2", "B3"},
    "inverse": {"B11", "B12", "B13"},
}


@pytest.mark.parametrize("name", FIGURES)
def test_every_claim_holds_on_the_papers_own_numbers(name):
    module, arms, _ = FIGURES[name]
    claims = module.claims(arms, True, "paper")
    judged = [claim for claim in claims if claim.holds is not None]
    assert [(claim.id, claim.ours) for claim in judged if not claim.holds] == []
    assert {claim.id for claim in claims} - {claim.id for claim in judged} <= {"B5.most", "B5.most.M'"}
    assert all(claim.low <= claim.ours <= claim.high for claim in judged)


@pytest.mark.parametrize(
    ("name", "ids"),
    [
        ("classification", {"B5", "B5.10", "B5.most", "B5.major", "B5.most.M'", "B5.major.M'", "B8", "B4.rise"}),
        ("comparison", {"B6", "B6.subtract", "B7"}),
        ("retrieval", {"B1", "B1.order", "B2", "B3.year"}),
        ("inverse", {"B11", "B11.first", "B11.forward", "B12", "B12.mixed", "B12.date", "B13", "B13.four"}),
    ],
)
def test_a_claim_does_not_hold_where_the_phenomenon_is_absent(name, ids):
    module, _, arms = FIGURES[name]
    claims = {claim.id: claim for claim in module.claims(arms, True, "laptop")}
    assert {id for id, claim in claims.items() if claim.holds is False} >= ids
    assert not any(claims[id].sure for id in ids)


@pytest.mark.parametrize("name", FIGURES)
def test_every_fact_is_listed_at_every_scale_and_smoke_judges_nothing(name):
    module, arms, _ = FIGURES[name]
    for shows, scale in ((True, "laptop"), (True, "gpu"), (False, "smoke")):
        claims = module.claims(arms, shows, scale)
        assert {claim.id.partition(".")[0] for claim in claims} == FACTS[name]
        assert all((claim.holds is None) == bool(claim.reason) for claim in claims)
        assert shows or all(claim.holds is None and claim.ours is None for claim in claims)


@pytest.mark.parametrize("name", FIGURES)
def test_missing_arms_are_said(name):
    module, arms, _ = FIGURES[name]
    one = {list(arms)[0]: arms[list(arms)[0]]}
    unsaid = [claim for claim in module.claims(one, True, "paper") if claim.holds is None]
    assert unsaid
    assert all(claim.reason for claim in unsaid)


def test_two_people_written_one_after_the_other_are_judged_on_a_gpu():
    claims = {claim.id: claim for claim in comparison.claims(FIGURES["comparison"][1], True, "laptop")}
    assert {id for id, claim in claims.items() if claim.holds is None} == {"B6.hint", "B6.subtract.hint", "B10"}
    assert "scale=gpu" in claims["B6.hint"].reason


@pytest.mark.parametrize("name", FIGURES)
def test_the_table_and_the_picture(name, tmp_path):
    module, arms, _ = FIGURES[name]
    for chosen in (arms, {list(arms)[0]: arms[list(arms)[0]]}):
        cells = module.table(chosen)
        assert (cells["low"] <= cells["accuracy"]).all()
        assert (cells["accuracy"] <= cells["high"]).all()
        figure = module.draw(chosen, cells, "caption")
        assert isinstance(figure, Figure)
        figure.savefig(tmp_path / "figure.png")
        assert (tmp_path / "figure.png").read_bytes().startswith(b"\x89PNG")
        assert "nan" not in " ".join(text.get_text() for axis in figure.axes for text in axis.texts)


def test_the_hint_tables_set_ours_beside_the_papers():
    cells = classification.table(FIGURES["classification"][1]).set_index(["arm", "task", "mode"])
    row = cells.loc[("M_10_hint", "month_mod2", WITH)]
    assert row["paper"] == 94.2
    assert row["hint"] == row["paper_hint"] == 91.0
    assert row["predicted"] == pytest.approx(95.5)
    assert cells.loc[("M_10", "month_mod2", PLAIN), "paper"] == 75.9
    assert cells.loc[("Mq_50_hint", "major_mod100", WITHOUT), "paper"] == 92.5
    assert np.isnan(cells.loc[("M_10", "month_mod2", PLAIN), "hint"])
    pairs_ = comparison.table(FIGURES["comparison"][1]).set_index(["arm", "task", "mode"])
    row = pairs_.loc[("M_10_hint", "month_subtraction", WITH)]
    assert row["hint"] == 78.0  # of 500 people: 390
    assert row["predicted"] == pytest.approx(100 * (0.78**2 + (1 - 0.78**2) * 0.083), abs=0.01)


def test_a_fifth_of_the_majors_and_all_of_them_stand_beside_20_and_100():
    names = ["month_mod2", "major_mod5", "major_mod6", "major_mod30", "x"]
    rows = pd.DataFrame({"world.pools.major": 30, "task": names})
    assert classification.tasks(rows) == {
        "month_mod2": "month_mod2",
        "major_mod5": "major_mod5",
        "major_mod6": "major_mod20",
        "major_mod30": "major_mod100",
    }


def test_the_error_matrix_counts_answers_by_right_answer():
    rows = pd.DataFrame({"gold": ["1.", "1.", "2.", "10."], "prediction": ["1.", "2.", "2.", "May."]})
    counts = classification.errors(rows)
    assert counts.index.tolist() == ["1", "2", "10"]
    assert counts.columns.tolist() == ["1", "2", "10", "other"]
    assert counts.to_numpy().tolist() == [[50, 50, 0, 0], [0, 100, 0, 0], [0, 0, 0, 100]]


def test_why_a_comparison_is_wrong():
    arms = FIGURES["comparison"][1]
    rows = arms["M_50"]
    part = (rows["task"] == "month_ranking") & (rows["split"] == "test") & ~rows["heldout"]
    hint = arms["M_50_hint"].copy()
    own = (hint["task"] == "month_ranking") & (hint["split"] == "test") & ~hint["heldout"] & hint["hinted"]
    knows = hint.loc[own, "first_correct"].to_numpy() & hint.loc[own, "second_correct"].to_numpy()
    right = rows.loc[part, "correct"].to_numpy()
    said = comparison.reasons(arms, rows, "month_ranking", PLAIN)
    assert said[comparison.RIGHT] == pytest.approx(100 * right.mean())
    assert said[comparison.MISSED] == pytest.approx(100 * (~right & ~knows).mean())
    assert said[comparison.DESPITE] == pytest.approx(100 * (~right & knows).mean())
    assert sum(said.values()) == pytest.approx(100)
    assert comparison.reasons({"M_50": rows}, rows, "month_ranking", PLAIN) is None
    assert comparison.reasons(arms, hint, "month_ranking", WITH)[comparison.DESPITE] <= 100 * knows.mean()


def test_the_gap_from_the_prediction_is_nought_where_the_formula_is_exact():
    rows = asked("month_mod2", 95, hint=90, hinted=True)
    exact = hints.mean_gap([(rows, hints.from_prediction(rows))])
    assert exact.value == pytest.approx(0, abs=1e-9)
    assert exact.low >= 0
    pair = asked("month_ranking", 80, hint=70, hinted=True, pair=True)
    wanted = abs(100 * (0.49 + 0.51 * 0.542) - 80)
    assert hints.mean_gap([(pair, hints.from_prediction(pair))]).value == pytest.approx(wanted)


def test_the_gap_between_two_arms_is_of_the_questions_they_share():
    one, two = asked("month_mod2", 60), asked("month_mod2", 50).iloc[100:]
    rows, gap = hints.difference(one, two)
    assert len(rows) == 400
    assert hints.mean_gap([(rows, gap)]).value == pytest.approx(100 * 50 / 400)


def test_a_distance_from_chance_has_two_sides():
    assert hints.either_side(Estimate(-4, -6, -2)) == Estimate(4, 2, 6)
    assert hints.either_side(Estimate(1, -3, 5)) == Estimate(1, 0.0, 5)
