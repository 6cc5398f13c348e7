"""The figure of bidirectional models: claims on the paper's numbers, unjudged where a model has not learned."""

import pandas as pd

from data_gen.people.attributes import NAMES
from experiments.figures import bidirectional, bidirectional_paper

ARMS = ("causal", "bidirectional", "bidirectional_mixed", "bidirectional_fullname_mixed")


def arm_rows(name, memorised=95.0):
    """Return rows with the paper's numbers; attributes that it does not give have the mean, except in mixed training.

    memorised: percent of the attribute tokens of the biographies.
    """
    numbers = bidirectional_paper.values(name)
    by_name = dict(zip(NAMES, numbers[1:], strict=True)) if len(numbers) > 1 else dict.fromkeys(NAMES, numbers[0])
    if name.endswith("_mixed"):
        by_name |= {"birth_date": 87.0, "major": 65.3, "employer": 5.5, "company_city": 16.2}
        rest = (6 * numbers[0] - 87.0 - 65.3 - 5.5 - 16.2) / 2
        by_name |= dict.fromkeys(("birth_city", "university"), max(0.0, rest))
    tables = []
    tasks = [("extraction", "test"), ("extraction", "train"), ("biography", "test")]
    if name != "causal":
        tasks += [("restored", "test")]  # counts as memorised; its whole values in task `biography` must not
    for task, split in tasks:
        for attribute in NAMES:
            values = 30.0 if len(tasks) > 3 else memorised
            share = {"restored": memorised, "biography": values}.get(task, by_name[attribute])
            right = [place < round(5 * share) for place in range(500)]
            tables.append(pd.DataFrame({"task": task, "split": split, "attribute": attribute, "correct": right,
                                        "tokens": 1, "tokens_correct": [int(x) for x in right], "seed": 0,
                                        "person": range(500), "prompt": attribute, "gold": "x"}))  # fmt: skip
    return pd.concat(tables, ignore_index=True)


def test_the_claims_hold_on_the_papers_numbers():
    claims = bidirectional.claims({name: arm_rows(name) for name in ARMS}, True, "gpu")
    assert {claim.id: claim.holds for claim in claims} == {
        "A18.known": True, "A18.known.mixed": True, "A18": True, "A18.half": True, "A18.mixed": True,
        "A18.date": True, "A18.order": True,
    }  # fmt: skip


def test_the_claims_fail_where_a_bidirectional_model_is_as_good_as_a_causal_one():
    arms = {"causal": arm_rows("causal"), "bidirectional": arm_rows("causal")}
    holds = {claim.id: claim.holds for claim in bidirectional.claims(arms, True, "gpu")}
    assert not holds["A18"]
    assert not holds["A18.half"]
    assert holds["A18.mixed"] is None


def test_claims_about_a_model_that_has_not_learned_its_entries_are_unjudged():
    arms = {name: arm_rows(name, memorised=80.0 if name == "bidirectional" else 95.0) for name in ARMS}
    claims = {claim.id: claim for claim in bidirectional.claims(arms, True, "laptop")}
    assert claims["A18.known"].holds is False
    for name in ("A18", "A18.half"):
        assert claims[name].holds is None
        assert "restores 80.0%" in claims[name].reason
    assert claims["A18.mixed"].holds is not None


def test_the_picture_shows_the_memorised_tokens():
    arms = {name: arm_rows(name) for name in ARMS[:3]}
    figure = bidirectional.draw(arms, bidirectional.table(arms), "")
    texts = [text.get_text() for text in figure.axes[1].texts]
    assert texts == ["95.0"] * 3
