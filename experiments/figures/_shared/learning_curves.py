"""Measures over training: a mean over people at every evaluation, and when it crosses a level."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from physics_lm import bootstrap
from physics_lm.bootstrap import Estimate

Array = NDArray[np.float64]
RESAMPLES = 500


@dataclass(frozen=True)
class Track:
    """A measure over training: (S,) steps, the P people asked, and (S, P) the mean over each one's items."""

    steps: Array
    people: tuple[str, ...]
    values_SxP: Array

    def mean(self, weight_P: Array | None = None) -> Array:
        """Return the (S,) mean over people, each as often as its weight says."""
        return np.average(self.values_SxP, axis=1, weights=weight_P)

    def interval(self) -> tuple[Array, Array]:
        """Return the (S,) ends of the 95% interval of the mean, by a bootstrap over people."""
        drawn_RxS = np.stack([self.mean(weight) for weight in bootstrap.drawn(self.people)[:RESAMPLES]])
        low, high = np.quantile(drawn_RxS, [0.025, 0.975], axis=0)
        return low, high


def track(rows: pd.DataFrame, task: str, splits: Sequence[str], value: str) -> Track:
    """Return one measure of the people of some splits; value: a column, or `share` for the share of right tokens."""
    part = rows[(rows["task"] == task) & rows["split"].isin(splits)]
    people = bootstrap.units(part)
    part = part.assign(share=part["tokens_correct"] / part["tokens"], people=people)
    grid = part.pivot_table(index="step", columns="people", values=value, aggfunc="mean")
    return Track(grid.index.to_numpy(float), tuple(grid.columns), grid.to_numpy(float))


def crossing(steps: Array, values: Array, level: float) -> float:
    """Return the step at which a curve first reaches a level, by a straight line between two evaluations.

    The last step where it never does.
    """
    above = np.flatnonzero(values >= level)
    if not len(above):
        return float(steps[-1])
    first = int(above[0])
    if not first:
        return float(steps[0])
    share = (level - values[first - 1]) / (values[first] - values[first - 1])
    return float(steps[first - 1] + share * (steps[first] - steps[first - 1]))


def estimate(tracks: Sequence[Track], measure: Callable[[list[Array]], float]) -> Estimate:
    """Return a measure of the tracks' means with a bootstrap over people, the same draw for the same people."""
    drawn_RxP = {found.people: bootstrap.drawn(found.people) for found in tracks}
    resampled = [
        measure([found.mean(drawn_RxP[found.people][number]) for found in tracks]) for number in range(RESAMPLES)
    ]
    return bootstrap.interval(measure([found.mean() for found in tracks]), np.array(resampled))
