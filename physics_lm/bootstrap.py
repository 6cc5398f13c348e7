"""A bootstrap over clusters of rows: people (or facts) are resampled, and with several seeds the seeds first.

Seeds are resampled first because they vary more than people do.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import pandas as pd

RESAMPLES = 1000


@dataclass(frozen=True)
class Estimate:
    """A number with its 95% interval."""

    value: float
    low: float
    high: float


def cluster_labels(rows: pd.DataFrame, cluster: str = "person") -> pd.Series:
    """Return the cluster of each row as `seed/person`: person 3 of two seeds is two clusters."""
    seed = rows["seed"] if "seed" in rows else pd.Series(0, rows.index)
    return seed.astype(str) + "/" + rows[cluster].astype(str)


def resample_counts(labels: Iterable[str]) -> np.ndarray:
    """Return how often each of P clusters (`seed/person`) is drawn in each resample, (RESAMPLES, P).

    Of several seeds as many are drawn as there are. Each time a seed is drawn, as many of its clusters are drawn as
    it has. The same labels always give the same counts.
    """
    return _resample_counts(tuple(pd.factorize(_seeds(labels))[0]))


@lru_cache(maxsize=3)
def _resample_counts(seed_P: tuple[int, ...]) -> np.ndarray:
    rng, seeds = np.random.default_rng(0), len(set(seed_P))
    times_RxS = np.ones((RESAMPLES, 1), int)
    if seeds > 1:
        times_RxS = rng.multinomial(seeds, np.full(seeds, 1 / seeds), RESAMPLES)
    count_RxP = np.empty((RESAMPLES, len(seed_P)))
    for seed, times_R in enumerate(times_RxS.T):
        of_seed_P = np.array(seed_P) == seed
        size = of_seed_P.sum()
        count_RxP[:, of_seed_P] = rng.multinomial(times_R * size, np.full(size, 1 / size))
    return count_RxP


def weights(rows: pd.DataFrame) -> np.ndarray:
    """Return the weight of each of Q rows in each resample of the people, (RESAMPLES, Q).

    A row about a pair (its `other` is not -1) has the product of both people's counts (Owen's pigeonhole bootstrap).
    Tables about the same people are resampled alike, so that their differences can be taken resample by resample.
    """
    rows = rows if "other" in rows else rows.assign(other=-1)
    first, second = cluster_labels(rows), cluster_labels(rows, "other")
    pair_Q = (rows["other"] >= 0).to_numpy()
    people = pd.Index(sorted({*first, *second[pair_Q]}))
    count_RxP = resample_counts(people)
    weight_RxQ = count_RxP[:, people.get_indexer(first)]
    weight_RxQ[:, pair_Q] *= count_RxP[:, people.get_indexer(second[pair_Q])]
    seed_Q, seed_P = _seeds(first), _seeds(people)
    for seed in np.unique(seed_Q):  # a seed that is drawn twice doubles its pairs, and does not quadruple them
        times_R = count_RxP[:, seed_P == seed].mean(1)
        weight_RxQ[:, pair_Q & (seed_Q == seed)] /= np.maximum(times_R, 1)[:, None]
    return weight_RxQ


def _seeds(labels: Iterable[str]) -> np.ndarray:
    return np.array([label.partition("/")[0] for label in labels])


def interval(value: float, resampled: np.ndarray) -> Estimate:
    """Return a number with the middle 95% of its resamples."""
    low, high = np.quantile(resampled, [0.025, 0.975])
    return Estimate(value, float(low), float(high))
