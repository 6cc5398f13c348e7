"""What another draw would change: people are resampled, and with several seeds the seeds first.

A model trained anew moves a number by more than other people would.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import pandas as pd

RESAMPLES = 1000


@dataclass(frozen=True)
class Estimate:
    """A share in percent with its 95% interval."""

    value: float
    low: float
    high: float


def units(rows: pd.DataFrame, cluster: str = "person") -> pd.Series:
    """Return what is resampled in each row, as `seed/person`."""
    seed = rows["seed"] if "seed" in rows else pd.Series(0, rows.index)
    return seed.astype(str) + "/" + rows[cluster].astype(str)


def drawn(found: Iterable[str]) -> np.ndarray:
    """Return how often each of P units (`seed/person`) counts in each resample, (RESAMPLES, P).

    Of several seeds as many are drawn first, and then of each, as often as it was, as many units as it has. The same
    for every table about the same units.
    """
    return _drawn(tuple(pd.factorize(_seeds(found))[0]))


@lru_cache(maxsize=3)
def _drawn(seed_P: tuple[int, ...]) -> np.ndarray:
    rng, seeds = np.random.default_rng(0), len(set(seed_P))
    times_RxS = np.ones((RESAMPLES, 1), int)
    if seeds > 1:
        times_RxS = rng.multinomial(seeds, np.full(seeds, 1 / seeds), RESAMPLES)
    weight_RxP = np.empty((RESAMPLES, len(seed_P)))
    for seed, times_R in enumerate(times_RxS.T):
        own_P = np.array(seed_P) == seed
        size = own_P.sum()
        weight_RxP[:, own_P] = rng.multinomial(times_R * size, np.full(size, 1 / size))
    return weight_RxP


def weights(rows: pd.DataFrame) -> np.ndarray:
    """Return how often each row counts in each bootstrap resample of the people, shape (RESAMPLES, rows).

    Rows about a pair (they have an `other` that is not -1) count as often as both were drawn (Owen's pigeonhole
    bootstrap). Tables about the same people are resampled alike, so that differences between them can be taken
    resample by resample.
    """
    rows = rows if "other" in rows else rows.assign(other=-1)
    first, second = units(rows), units(rows, "other")
    pair = (rows["other"] >= 0).to_numpy()
    people = sorted({*first, *second[pair]})
    place = {person: number for number, person in enumerate(people)}
    drawn_RxP = drawn(people)
    weight_RxQ = drawn_RxP[:, first.map(place).to_numpy()]
    weight_RxQ[:, pair] *= drawn_RxP[:, second[pair].map(place).to_numpy(int)]
    seed_Q, seed_P = _seeds(first), _seeds(people)
    for seed in np.unique(seed_Q):  # drawn twice, it gives pairs of its people twice, not four times
        times_R = drawn_RxP[:, seed_P == seed].mean(1)
        weight_RxQ[:, pair & (seed_Q == seed)] /= np.maximum(times_R, 1)[:, None]
    return weight_RxQ


def _seeds(found: Iterable[str]) -> np.ndarray:
    return np.array([unit.partition("/")[0] for unit in found])


def interval(value: float, drawn: np.ndarray) -> Estimate:
    """Return a number with the middle 95% of its resamples."""
    low, high = np.quantile(drawn, [0.025, 0.975])
    return Estimate(value, float(low), float(high))
