"""The extraction figure: claims A1 to A8 on the paper's own numbers, its table and its picture."""

import numpy as np
import pytest
from extraction_rows import PEOPLE, arm_rows
from matplotlib.figure import Figure

from data_gen.people.attributes import NAMES
from experiments.figures import Between, extraction
from experiments.figures import extraction_paper as paper
from physics_lm.bootstrap import Estimate

ALL = [*paper.FINETUNED, *(f"{name}_mixed" for name in paper.MIXED)]


def published(name):
    values = paper.values(name)
    return values[1:] if len(values) > 1 else values * 6


@pytest.fixture(scope="module")
def arms():
    """Return every arm as the paper has it."""
    return {name: arm_rows(published(name)) for name in ALL}


@pytest.fixture(scope="module")
def flat():
    """Return every arm half right, the paper's best arm a little less: no phenomenon."""
    return {name: arm_rows([40 if name == "multi5_permute" else 50] * 6, tokens=0.5) for name in ALL}


def by_id(claims):
    return {claim.id: claim for claim in claims}


def test_every_claim_holds_on_the_papers_own_numbers(arms):
    claims = extraction.claims(arms, True, "paper")
    judged = [claim for claim in claims if claim.holds is not None]
    assert {claim.id for claim in claims} - {claim.id for claim in judged} == {"A3"}
    assert [claim.id for claim in judged if not claim.holds] == []
    assert all(claim.low <= claim.ours <= claim.high for claim in judged)


ABSENT = ["A1", "A1.gap", "A2", "A2.bio", "A4.1", "A4.order", "A5.date", "A5.ratio", "A6", "A6.more", "A6.order", "A8"]


@pytest.mark.parametrize("id", ABSENT)
def test_a_claim_does_not_hold_where_the_phenomenon_is_absent(flat, id):
    claim = by_id(extraction.claims(flat, True, "paper"))[id]
    assert claim.holds is False
    assert claim.sure is False


def test_all_of_a1_to_a8_are_listed_at_every_scale(arms):
    for shows, scale in ((True, "laptop"), (False, "smoke")):
        ids = {claim.id.partition(".")[0] for claim in extraction.claims(arms, shows, scale)}
        assert ids == {f"A{number}" for number in range(1, 9)}


def test_the_smoke_scale_judges_nothing(arms):
    for claim in extraction.claims(arms, False, "smoke"):
        assert (claim.holds, claim.sure, claim.ours, claim.low, claim.high) == (None,) * 5
        assert claim.reason


def test_a_claim_names_its_missing_arms(arms):
    claims = by_id(extraction.claims({"single": arms["single"]}, True, "laptop"))
    assert claims["A2"].holds is True
    for id, needed in (("A6", "multi5_permute"), ("A1", "single_mixed"), ("A5.order", "multi5")):
        assert claims[id].holds is None
        assert needed in claims[id].reason
    assert claims["A8"].holds is None
    assert "16" in claims["A8"].reason


def test_a_range_is_judged_by_point_and_by_interval():
    inside, edge, outside = Estimate(50, 40, 60), Estimate(50, 20, 80), Estimate(10, 5, 15)
    judged = [Between(30, 70).judge("x", "y", "z", estimate) for estimate in (inside, edge, outside)]
    assert [(claim.holds, claim.sure) for claim in judged] == [(True, True), (True, False), (False, False)]
    assert [str(Between(30)), str(Between(high=15)), str(Between(30, 70))] == ["above 30", "below 15", "30 to 70"]


def test_the_table_has_our_numbers_and_the_papers(arms):
    cells = extraction.table({"multi5": arms["multi5"], "single_fullname_mixed": arms["single_fullname_mixed"]})
    assert cells["attribute"].tolist() == ["mean", *NAMES] * 2
    multi5 = cells[cells["arm"] == "multi5"]
    assert multi5["paper"].tolist() == list(paper.FINETUNED["multi5"])
    mixed = cells[cells["arm"] == "single_fullname_mixed"].set_index("attribute")["paper"]
    assert mixed["mean"] == 85.9
    assert mixed[list(NAMES)].isna().all()
    assert (cells["low"] <= cells["accuracy"]).all()
    assert (cells["accuracy"] <= cells["high"]).all()
    assert set(cells[cells["attribute"] == "mean"]["questions"]) == {6 * PEOPLE}
    assert (cells["train_accuracy"] == 100).all()
    assert cells["majority"].between(11, 13).all()


def test_the_table_counts_p_test_only():
    rows = arm_rows([0] * 6)
    assert (extraction.table({"single": rows})["accuracy"] == 0).all()


def test_several_seeds_are_pooled():
    cells = extraction.table({"single": arm_rows([30] * 6, seeds=(0, 1, 2))})
    assert set(cells[cells["attribute"] != "mean"]["questions"]) == {3 * PEOPLE}


@pytest.mark.parametrize("names", [["single"], ["single", "multi5", "multi5_permute", "single_mixed"], ALL])
def test_the_picture_is_drawn_for_few_and_many_arms(arms, names, tmp_path):
    chosen = {name: arms[name] for name in names}
    figure = extraction.draw(chosen, extraction.table(chosen), "caption")
    assert isinstance(figure, Figure)
    figure.savefig(tmp_path / "figure.png")
    assert (tmp_path / "figure.png").read_bytes().startswith(b"\x89PNG")
    texts = " ".join(text.get_text() for axis in figure.axes for text in axis.texts)
    assert "nan" not in texts
    labels = [label.get_text() for label in figure.axes[0].get_yticklabels()]
    assert labels == [extraction.label(name) for name in names]


def test_labels_are_written_as_in_the_paper():
    assert extraction.label("multi5_permute") == "multi5+permute"
    assert extraction.label("single_mixed") == "single, mixed training"


def test_the_paper_has_numbers_for_every_arm():
    assert len(paper.FINETUNED) == len(paper.MIXED) == 16
    assert set(paper.FINETUNED) == set(paper.MIXED)
    assert all(len(values) == 7 for values in paper.FINETUNED.values())
    assert all(0 <= value <= 100 for name in ALL for value in paper.values(name))
    for name, (mean, *by_attribute) in paper.FINETUNED.items():
        assert mean == pytest.approx(np.mean(by_attribute), abs=1.5), name
