"""Measures over training: the mean over people at every evaluation, and the step at which it crosses a level."""

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
class Curve:
    """A measure over training: (S,) steps, the P people, and (S, P) each person's mean over their items."""

    steps: Array
    people: tuple[str, ...]
    values_SxP: Array

    def mean(self, weight_P: Array | None = None) -> Array:
        """Return the (S,) mean over people, weighted if weights are passed."""
        return np.average(self.values_SxP, axis=1, weights=weight_P)

    def interval(self) -> tuple[Array, Array]:
        """Return the (S,) lower and upper ends of the mean's 95% interval, by a bootstrap over people."""
        mean_RxS = np.stack([self.mean(weight) for weight in bootstrap.resample_counts(self.people)[:RESAMPLES]])
        low, high = np.quantile(mean_RxS, [0.025, 0.975], axis=0)
        return low, high


def learning_curve(rows: pd.DataFrame, task: str, splits: Sequence[str], value: str) -> Curve:
    """Return the curve of a task over the people of some splits.

    value: a column, or `share` for the share of right tokens.
    """
    rows = rows[(rows["task"] == task) & rows["split"].isin(splits)]
    people = bootstrap.cluster_labels(rows)
    rows = rows.assign(share=rows["tokens_correct"] / rows["tokens"], people=people)
    grid = rows.pivot_table(index="step", columns="people", values=value, aggfunc="mean")
    return Curve(grid.index.to_numpy(float), tuple(grid.columns), grid.to_numpy(float))


def crossing_step(steps: Array, values: Array, level: float) -> float:
    """Return the step at which a curve first reaches a level, interpolated linearly between two evaluations.

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


def estimate(curves: Sequence[Curve], measure: Callable[[list[Array]], float]) -> Estimate:
    """Return a measure of the curves' means with a bootstrap over people; the same people are resampled alike."""
    weight_RxP = {curve.people: bootstrap.resample_counts(curve.people) for curve in curves}
    resampled = [measure([curve.mean(weight_RxP[curve.people][i]) for curve in curves]) for i in range(RESAMPLES)]
    return bootstrap.interval(measure([curve.mean() for curve in curves]), np.array(resampled))
