"""Statistics over facts: accuracy, and whether a right answer is likelier than others.

All rows of one fact (its paraphrases) are averaged first, so that every test and interval is over facts. A p-value
takes the trained models as fixed: facts of several seeds count as independent. The variation between seeds is in the
intervals alone (`bootstrap.resample_counts`).
"""

import pandas as pd
from scipy import stats

from physics_lm import bootstrap, results
from physics_lm.bootstrap import Estimate


def accuracy(rows: pd.DataFrame) -> Estimate:
    """Return the share of right answers in percent, mean over subsets, with a bootstrap over facts."""
    return results.clustered(rows, cluster="fact")


def chance(rows: pd.DataFrame) -> float:
    """Return the accuracy in percent of guessing uniformly among the candidate answers, mean over the questions."""
    return 100 * float((1 / rows["candidates"]).mean())


def above_chance(rows: pd.DataFrame) -> Estimate:
    """Return accuracy minus chance in points."""
    estimate, guess = accuracy(rows), chance(rows)
    return Estimate(estimate.value - guess, estimate.low - guess, estimate.high - guess)


def by_fact(rows: pd.DataFrame, column: str) -> pd.Series:
    """Return the mean of a column for every fact of every seed (`seed/fact`)."""
    return rows[column].groupby(bootstrap.cluster_labels(rows, "fact")).mean()


def effect(rows: pd.DataFrame) -> Estimate:
    """Return the mean z over facts, with a bootstrap over facts.

    z: by how many of their standard deviations the right answer is likelier than the others.
    """
    z = by_fact(rows, "z")
    count_RxF = bootstrap.resample_counts(z.index)
    return bootstrap.interval(float(z.mean()), count_RxF @ z.to_numpy() / count_RxF.sum(1))


def t_test(rows: pd.DataFrame) -> float:
    """Return the p-value of a two-sided t-test that the facts' mean z is zero."""
    return float(stats.ttest_1samp(by_fact(rows, "z"), 0).pvalue)


def kolmogorov_smirnov(rows: pd.DataFrame) -> float:
    """Return the p-value of a test that right answers and random others have the same log-probabilities."""
    return float(stats.ks_2samp(by_fact(rows, "gold_logprob"), by_fact(rows, "other_logprob")).pvalue)
