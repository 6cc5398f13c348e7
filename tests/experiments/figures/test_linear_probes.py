"""The figures of linear probes: claims hold on the paper's own numbers, and fail where probes read nothing early."""

import numpy as np
import pandas as pd
import pytest
from scipy.stats import spearmanr

from data_gen.biographies import recipes, rendering
from data_gen.people.attributes import NAMES
from data_gen.people.world import make
from experiments.figures import couple, extraction_paper, p_probe, p_probe_paper, q_probe, q_probe_paper
from experiments.figures._shared.linear_probes import FIRST, WHOLE, excess, held_out_rows

PEOPLE = 400
FINETUNED = {name: values[1:] for name, values in extraction_paper.FINETUNED.items()}  # by attribute
CHANCE = (8.3, 2.5, 37.0, 4.0, 1.5, 14.8)


def first_people(share, shift=0):
    """Return for every person whether they are among the first `share` percent."""
    return np.roll(np.arange(PEOPLE) < round(share * PEOPLE / 100), shift)


def cell(task, attribute, position, accuracy, own=-1, majority=None):
    number = NAMES.index(attribute)
    return pd.DataFrame(
        {
            "run": "key", "seed": 0, "task": task, "attribute": attribute, "position": position, "split": "test",
            "person": np.arange(PEOPLE), "own": own, "classes": 12, "seen": first_people(99), "gold": "October",
            "correct": first_people(accuracy),
            "majority": first_people(CHANCE[number] if majority is None else majority),
            "shuffled": first_people(2),
        }
    )  # fmt: skip


def p_arm(arm, permuted, number=p_probe_paper.value):
    """Return rows with the paper's numbers; what it leaves out between two numbers is the first of them."""
    tables = []
    for place, name in enumerate(NAMES):
        last = 0.0
        for position in range(len(NAMES)):
            last = number(arm, FIRST, name, position) or last
            own = (np.arange(PEOPLE) + place) % len(NAMES) if permuted else place
            tables.append(cell(FIRST, name, position, last, own))
        if name != "birth_date":
            tables.append(cell(WHOLE, name, 0, number(arm, WHOLE, name, 0) or 0, own))
    return pd.concat(tables, ignore_index=True)


def holds(claims):
    return {claim.id: claim.holds for claim in claims}


P_ARMS = {"single": False, "multi5": False, "multi5_permute": True}
APART = {"A12.apart": None, "A12.apart.mean": None, "A12.same": None}


def test_the_claims_of_the_p_probe_hold_on_the_papers_numbers():
    arms = {arm: p_arm(arm, permuted) for arm, permuted in P_ARMS.items()}
    assert holds(p_probe.claims(arms, True, "gpu")) == {
        "A11.off": True,
        "A11.own": True,
        "A12": True,
        "A12.mean": True,
        "A12.far": True,
        "A13": None,
        "A13.rise": None,
        **APART,
    }

    def chance(arm, task, name, position):
        return CHANCE[NAMES.index(name)]

    arms = {arm: p_arm(arm, permuted, chance) for arm, permuted in P_ARMS.items()}
    assert holds(p_probe.claims(arms, True, "gpu")) == {
        "A11.off": True,
        "A11.own": False,
        "A12": False,
        "A12.mean": False,
        "A12.far": False,
        "A13": None,
        "A13.rise": None,
        **APART,
    }
    apart = {"multi5_permute_apart": p_arm("multi5_permute", True)}
    claims = holds(p_probe.claims(apart, True, "laptop"))
    assert (claims["A12.apart"], claims["A12.apart.mean"], claims["A12"]) == (True, True, None)
    for other, same in ((None, True), (chance, False)):
        both = {**apart, "multi5_permute": p_arm("multi5_permute", True, *([other] if other else []))}
        assert holds(p_probe.claims(both, True, "laptop"))["A12.same"] is same
    once = {"single_permute1": p_arm("single_permute1", True)}
    assert holds(p_probe.claims(once, True, "gpu"))["A13.rise"]
    level = {"single_permute1": p_arm("single_permute1", True, chance)}
    assert not holds(p_probe.claims(level, True, "gpu"))["A13.rise"]
    everywhere = {"single": p_arm("multi5_fullname", False)}
    assert not holds(p_probe.claims(everywhere, True, "gpu"))["A11.off"]
    assert set(holds(p_probe.claims(arms, False, "smoke")).values()) == {None}


def test_an_arm_of_the_first_position_only_is_drawn_there_beside_the_paper():
    rows = p_arm("multi5_permute", True)
    arms = {"multi5_permute_apart": rows[(rows["task"] == FIRST) & (rows["position"] == 0)]}
    table = p_probe.table(arms)
    assert table["paper"].tolist() == [100, 100, 100, 100, 99.9, 99.8]
    figure = p_probe.draw(arms, table, "")
    ours, theirs = ([text.get_text() for text in axis.texts] for axis in figure.axes)
    assert ours == theirs == ["100", "", "", "", "", ""] * len(NAMES)


def test_values_told_before_a_position_are_left_out_of_the_picture():
    arms = {"single": p_arm("single", False)}
    table = p_probe.table(arms)
    first = table[table["task"] == FIRST].set_index(["attribute", "position"])
    for place, name in enumerate(NAMES):
        assert [first.loc[(name, position), "told"] for position in range(6)] == [place < p for p in range(6)]
    figure = p_probe.draw(arms, table, "")
    texts = [text.get_text() for text in figure.axes[0].texts if text.get_text()]
    assert len(texts) == 21  # of 36 cells
    assert texts[:3] == ["100", "6", "100"]
    assert table["unseen"].eq("October").all()


SETS = ("single", "single_permute2", "multi5", "multi5_permute")


def q_arms(probe, extraction, names=SETS):
    arms = {}
    for arm in names:
        tasks = [(FIRST, name) for name in NAMES] + [(WHOLE, name) for name in NAMES[1:]]
        arms[arm] = pd.concat([cell(task, name, 0, probe(arm, task, name)) for task, name in tasks], ignore_index=True)
        questions = [cell("extraction", name, 0, extraction(arm, name)) for name in NAMES]
        arms[f"{arm}_asked"] = pd.concat(questions, ignore_index=True)
    return arms


def published(arm, name):
    return FINETUNED[arm][NAMES.index(name)]


def test_the_claims_of_the_q_probe_hold_on_the_papers_numbers():
    arms = q_arms(q_probe_paper.value, published)
    expected = {"A15.single": True, "A15.multi": True, "A15": True, "A15.rank": None}
    assert holds(q_probe.claims(arms, True, "gpu")) == expected
    inverted = q_arms(lambda arm, task, name: 100 - q_probe_paper.value(arm, task, name), published)
    expected = {"A15.single": False, "A15.multi": False, "A15": False, "A15.rank": None}
    assert holds(q_probe.claims(inverted, True, "gpu")) == expected


def test_probe_and_questions_rank_the_papers_sets_alike():
    arms = q_arms(q_probe_paper.value, published, q_probe_paper.FIRST)
    claims = {claim.id: claim for claim in q_probe.claims(arms, True, "gpu")}
    assert (claims["A15"].holds, claims["A15.rank"].holds) == (True, True)
    assert claims["A15"].ours == pytest.approx(float(claims["A15"].paper), abs=0.006)
    assert claims["A15.rank"].ours == pytest.approx(float(claims["A15.rank"].paper), abs=0.011)
    means = [[np.mean(table[arm]) for arm in arms if arm in table] for table in (q_probe_paper.FIRST, FINETUNED)]
    assert claims["A15.rank"].ours == pytest.approx(spearmanr(*means).statistic, abs=0.01)
    inverted = q_arms(lambda *cell: 100 - q_probe_paper.value(*cell), published, q_probe_paper.FIRST)
    assert holds(q_probe.claims(inverted, True, "gpu"))["A15.rank"] is False


def test_the_correlation_is_pearsons_over_arms_and_attributes_within_its_interval():
    arms = q_arms(q_probe_paper.value, published)
    estimate = q_probe.correlation(arms)
    pairs = [
        (
            held_out_rows(arms[arm], FIRST, name)["correct"].mean(),
            arms[f"{arm}_asked"].query("attribute == @name").correct.mean(),
        )
        for arm in q_probe.probe_arms(arms)
        for name in NAMES
    ]
    assert estimate.value == pytest.approx(np.corrcoef(np.array(pairs).T)[0, 1])
    assert estimate.low < estimate.value < estimate.high


def test_the_table_of_the_q_probe_has_baselines_and_extraction():
    arms = q_arms(q_probe_paper.value, published)
    del arms["multi5_asked"]
    table = q_probe.table(arms)
    line = table.set_index(["arm", "task", "attribute"]).loc[("single", WHOLE, "major")]
    assert (line["classes"], line["majority"], line["shuffled"]) == (12, 4.0, 2.0)
    assert line["extraction"] == pytest.approx(4.0)
    assert table[table["arm"] == "multi5"]["extraction"].isna().all()
    assert len(q_probe.draw(arms, table, "").axes) == 5


def test_the_excess_is_the_accuracy_minus_that_of_the_most_frequent_class():
    estimate = excess(cell(FIRST, "major", 0, 30, majority=10))
    assert estimate.value == pytest.approx(20)
    assert estimate.low < 20 < estimate.high


def couple_arm(before, after):
    """Return rows in which couples stand in three orders, with accuracies before and after the partner is read."""
    tables = []
    for place, name in enumerate(NAMES):
        own = (np.arange(PEOPLE) % 3 * 2 + place) % len(NAMES)
        for position in range(len(NAMES)):
            share = np.where(own == position, after, before)
            right = np.random.default_rng(place * 10 + position).random(PEOPLE) * 100 < share
            tables.append(cell(FIRST, name, position, 0, own).assign(correct=right))
    return pd.concat(tables, ignore_index=True)


def test_the_claims_of_the_couples_hold_on_the_papers_numbers():
    arms = {"couple1": couple_arm(4, 99.5), "couple5": couple_arm(80, 99.5)}
    assert set(holds(couple.claims(arms, True, "gpu")).values()) == {True}
    arms = {"couple1": couple_arm(60, 60)}
    assert set(holds(couple.claims(arms, True, "gpu")).values()) == {False}


def test_the_table_of_couples_tells_positions_before_the_partner_from_those_after_it():
    arms = {"couple1": couple_arm(0, 100)}
    table = couple.table(arms).set_index(["attribute", "partner_read"])
    assert list(table.index.unique("attribute")) == ["birth_city", "major", "company_city"]
    assert table["accuracy"].to_dict() == {key: 100.0 * (key[1] == "after") for key in table.index}
    assert (table.loc[("major", "before"), "partner"], table.loc[("major", "before"), "paper"]) == ("university", 5.4)
    assert len(couple.draw(arms, couple.table(arms), "").axes) == 3


def test_the_second_of_a_couple_directly_follows_its_partner_in_the_corpora(smoke):
    config = smoke("corpus=couple2")
    world = make(config.world, config.seed)
    for entry in rendering.render(world, config.corpus, recipes.draw(world, config.corpus)):
        attributes = [span.attribute for span in entry.spans]
        for name in couple.TARGETS:
            assert attributes[attributes.index(name) - 1] == NAMES[NAMES.index(name) - 1]
