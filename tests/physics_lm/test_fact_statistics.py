"""Statistics over facts: accuracy, effect, tests."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from physics_lm import fact_statistics


def rows(correct, paraphrases=3, **columns):
    """Return `paraphrases` rows for each fact; `correct` gives how many of them are right."""
    lines = [
        {"fact": f"f{number}", "seed": 0, "attribute": "a", "correct": place < right, "candidates": len(correct)}
        for number, right in enumerate(correct)
        for place in range(paraphrases)
    ]
    return pd.DataFrame(lines).assign(**columns)


def test_accuracy_is_the_share_of_right_answers_with_facts_as_units():
    estimate = fact_statistics.accuracy(rows([3] * 50 + [0] * 50))
    assert estimate.value == 50
    wide = fact_statistics.accuracy(
        rows([3] * 50 + [0] * 50, paraphrases=30).assign(correct=lambda t: t["fact"] < "f5")
    )
    assert estimate.high - estimate.low == pytest.approx(
        wide.high - wide.low, abs=4
    )  # more paraphrases are no more facts
    assert 15 < estimate.high - estimate.low < 25


def test_no_right_answer_still_has_an_interval():
    none, every = fact_statistics.accuracy(rows([0] * 100)), fact_statistics.accuracy(rows([3] * 100))
    assert (none.value, none.low) == (0, pytest.approx(0, abs=1e-9))
    assert 3 < none.high < 4
    assert (every.value, every.high) == (100, pytest.approx(100, abs=1e-9))
    assert 96 < every.low < 97


def test_chance_is_one_over_the_candidates():
    table = rows([3, 0, 0, 0])
    assert fact_statistics.chance(table) == 25
    assert fact_statistics.above_chance(table).value == 0


def test_the_effect_is_the_mean_z_over_facts():
    z = np.random.default_rng(0).normal(0.3, 1, 400)
    table = rows([0] * 400).assign(z=np.repeat(z, 3))
    estimate = fact_statistics.effect(table)
    assert estimate.value == pytest.approx(z.mean())
    assert estimate.high - estimate.low == pytest.approx(2 * 1.96 * z.std() / 20, rel=0.1)
    assert fact_statistics.t_test(table) == pytest.approx(stats.ttest_1samp(z, 0).pvalue)


def test_tests_see_a_difference_and_do_not_see_none():
    rng = np.random.default_rng(1)
    right, same, other = rng.normal(size=300), rng.normal(size=300), rng.normal(-1, 1, 300)
    table = rows([0] * 300).assign(gold_logprob=np.repeat(right, 3))
    assert fact_statistics.kolmogorov_smirnov(table.assign(other_logprob=np.repeat(same, 3))) > 0.05
    assert fact_statistics.kolmogorov_smirnov(table.assign(other_logprob=np.repeat(other, 3))) < 1e-6


def test_facts_of_two_seeds_are_two_facts():
    table = pd.concat([rows([3, 0]), rows([3, 0]).assign(seed=1)])
    assert len(fact_statistics.by_fact(table, "correct")) == 4
