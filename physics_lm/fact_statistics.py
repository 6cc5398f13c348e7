"""Numbers about facts, each fact one unit: accuracy, and whether a right answer is likelier than others.

All rows of one fact (its paraphrases) are averaged first, so that every test and interval is over facts. A
p-value takes the trained models as given: facts of several seeds count as independent, and what another seed
would change is in the intervals alone (`bootstrap.drawn`).
"""

import pandas as pd
from scipy import stats

from physics_lm import bootstrap, results
from physics_lm.bootstrap import Estimate


def accuracy(rows: pd.DataFrame) -> Estimate:
    """Return the share of right answers in percent, mean over subsets, with a bootstrap over facts."""
    return results.clustered(rows, cluster="fact")


def chance(rows: pd.DataFrame) -> float:
    """Return what guessing among the answers gets right in percent, mean over the questions."""
    return 100 * float((1 / rows["candidates"]).mean())


def above_chance(rows: pd.DataFrame) -> Estimate:
    """Return accuracy minus chance in points."""
    found, guess = accuracy(rows), chance(rows)
    return Estimate(found.value - guess, found.low - guess, found.high - guess)


def by_fact(rows: pd.DataFrame, column: str) -> pd.Series:
    """Return the mean of a column for every fact of every seed (`seed/fact`)."""
    return rows[column].groupby(bootstrap.units(rows, "fact")).mean()


def effect(rows: pd.DataFrame) -> Estimate:
    """Return by how many of their standard deviations a right answer is likelier than the others: mean z.

    The interval is a bootstrap over facts.
    """
    z = by_fact(rows, "z")
    weight_RxF = bootstrap.drawn(z.index)
    return bootstrap.interval(float(z.mean()), weight_RxF @ z.to_numpy() / weight_RxF.sum(1))


def t_test(rows: pd.DataFrame) -> float:
    """Return the p-value of the facts' mean z being zero (two-sided t-test)."""
    return float(stats.ttest_1samp(by_fact(rows, "z"), 0).pvalue)


def kolmogorov_smirnov(rows: pd.DataFrame) -> float:
    """Return the p-value of right answers and random others having log-probabilities of one distribution."""
    right, other = by_fact(rows, "gold_logprob"), by_fact(rows, "other_logprob")
    return float(stats.ks_2samp(right, other).pvalue)


def percentile(rows: pd.DataFrame) -> pd.Series:
    """Return each fact's mean rank of the right answer, from 0 (the likeliest) to 1 (the least likely)."""
    places = (rows["rank"] - 1) / (rows["candidates"] - 1)
    return by_fact(rows.assign(place=places), "place")
