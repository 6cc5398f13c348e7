"""The figure of models that read both ways: claims on the paper's numbers, none without the proof of learning."""

import pandas as pd

from data_gen.people.attributes import NAMES
from experiments.figures import bidirectional, bidirectional_paper

ARMS = ("causal", "bidirectional", "bidirectional_mixed", "bidirectional_fullname_mixed")


def arm(name, known=95.0):
    """Return rows with the paper's numbers; attributes it does not give are at the mean, but for the last arm's."""
    numbers = bidirectional_paper.values(name)
    by_name = dict(zip(NAMES, numbers[1:], strict=True)) if len(numbers) > 1 else dict.fromkeys(NAMES, numbers[0])
    if name.endswith("_mixed"):
        by_name |= {"birth_date": 87.0, "major": 65.3, "employer": 5.5, "company_city": 16.2}
        rest = (6 * numbers[0] - 87.0 - 65.3 - 5.5 - 16.2) / 2
        by_name |= dict.fromkeys(("birth_city", "university"), max(0.0, rest))
    parts = []
    seen = [("extraction", "test"), ("extraction", "train"), ("biography", "test")]
    if name != "causal":
        seen += [("restored", "test")]  # what is held against the claim; whole values are known to nobody
    for task, split in seen:
        for attribute in NAMES:
            share = {"restored": known, "biography": 30.0 if len(seen) > 3 else known}.get(task, by_name[attribute])
            right = [place < round(5 * share) for place in range(500)]
            parts.append(pd.DataFrame({"task": task, "split": split, "attribute": attribute, "correct": right,
                                       "tokens": 1, "tokens_correct": [int(x) for x in right], "seed": 0,
                                       "person": range(500), "prompt": attribute, "gold": "x"}))  # fmt: skip
    return pd.concat(parts, ignore_index=True)


def test_the_claims_hold_on_the_papers_numbers():
    found = bidirectional.claims({name: arm(name) for name in ARMS}, True, "gpu")
    assert {claim.id: claim.holds for claim in found} == {
        "A18.known": True, "A18.known.mixed": True, "A18": True, "A18.half": True, "A18.mixed": True,
        "A18.date": True, "A18.order": True,
    }  # fmt: skip


def test_reading_both_ways_as_good_as_one_way_holds_not():
    arms = {"causal": arm("causal"), "bidirectional": arm("causal")}
    found = {claim.id: claim.holds for claim in bidirectional.claims(arms, True, "gpu")}
    assert not found["A18"]
    assert not found["A18.half"]
    assert found["A18.mixed"] is None


def test_a_model_that_has_not_learned_its_entries_carries_no_claim():
    arms = {name: arm(name, known=80.0 if name == "bidirectional" else 95.0) for name in ARMS}
    found = {claim.id: claim for claim in bidirectional.claims(arms, True, "laptop")}
    assert found["A18.known"].holds is False
    for name in ("A18", "A18.half"):
        assert found[name].holds is None
        assert "restores 80.0%" in found[name].reason
    assert found["A18.mixed"].holds is not None


def test_the_picture_shows_the_proof():
    arms = {name: arm(name) for name in ARMS[:3]}
    figure = bidirectional.draw(arms, bidirectional.table(arms), "")
    written = [text.get_text() for text in figure.axes[1].texts]
    assert written == ["95.0"] * 3
