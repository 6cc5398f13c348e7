"""From per-item rows to numbers with intervals (DESIGN: Wilson for one cell, person bootstrap for means)."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from statsmodels.stats.proportion import proportion_confint

RESAMPLES = 1000


@dataclass(frozen=True)
class Estimate:
    """A share in percent with its 95% interval."""

    value: float
    low: float
    high: float


def load(lab: Path | str = "lab", runs: Iterable[str] | None = None) -> pd.DataFrame:
    """Load the rows of every probe in a lab (or of the given run keys): one row per question asked.

    Columns: run, probe, task, person, attribute, split, prompt, gold, prediction, correct, tokens,
    tokens_correct, gold_logprob, and the arm's settings (`corpus.name`, `seed`, ...). Raises
    FileNotFoundError where there are none.
    """
    folder = Path(lab) / "artifacts" / "probe"
    keys = sorted(path.parent.name for path in folder.glob("*/rows.parquet")) if runs is None else list(runs)
    if not keys:
        raise FileNotFoundError(f"no rows under {folder}: run experiments.run or experiments.reproduce first")
    return pd.concat([pd.read_parquet(folder / key / "rows.parquet") for key in keys], ignore_index=True)


def wilson(correct: Sequence[bool] | pd.Series) -> Estimate:
    """Return the share of right answers with its Wilson interval: one attribute of one run."""
    right, total = int(np.sum(correct)), len(correct)
    low, high = proportion_confint(right, total, method="wilson")
    return Estimate(100 * right / total, 100 * low, 100 * high)


def clustered(rows: pd.DataFrame, value: str = "correct", cluster: str = "person") -> Estimate:
    """Return the mean over attributes (each weighing the same) with a bootstrap over people.

    Rows may come from several seeds: person i of two seeds is two people.
    """
    cells = rows.assign(
        cluster=rows[cluster].astype(str) + "/" + rows.get("seed", pd.Series(0, rows.index)).astype(str)
    )
    sums = cells.pivot_table(index="cluster", columns="attribute", values=value, aggfunc="sum", fill_value=0)
    counts = cells.pivot_table(index="cluster", columns="attribute", values=value, aggfunc="count", fill_value=0)
    return _bootstrap(sums.to_numpy(float), counts.to_numpy(float))


def _bootstrap(sums_PxA: np.ndarray, counts_PxA: np.ndarray) -> Estimate:
    rng = np.random.default_rng(0)
    people = len(sums_PxA)
    weight_RxP = rng.multinomial(people, np.full(people, 1 / people), size=RESAMPLES).astype(float)
    with np.errstate(invalid="ignore", divide="ignore"):
        means = np.nanmean((weight_RxP @ sums_PxA) / (weight_RxP @ counts_PxA), axis=1)
    low, high = np.quantile(means, [0.025, 0.975])
    value = float(np.mean(sums_PxA.sum(0) / counts_PxA.sum(0)))
    return Estimate(100 * value, 100 * float(low), 100 * float(high))


def contrast(first: pd.DataFrame, second: pd.DataFrame) -> Estimate:
    """Return the difference first - second of two arms' means, resampling the same people in both."""
    tables = []
    for part in (first, second):
        cells = part.assign(cluster=part["person"].astype(str) + "/" + part["seed"].astype(str))
        tables.append(cells.pivot_table(index="cluster", columns="attribute", values="correct", aggfunc="mean"))
    both = (tables[0] - tables[1]).dropna()
    return _bootstrap(both.to_numpy(float), np.ones(both.shape))


def majority(rows: pd.DataFrame) -> float:
    """Return the accuracy in percent of always giving the most frequent gold answer, mean over attributes."""
    shares = [part["gold"].value_counts(normalize=True).iloc[0] for _, part in rows.groupby("attribute")]
    return 100 * float(np.mean(shares))


def token_accuracy(rows: pd.DataFrame) -> Estimate:
    """Return the share of right tokens in percent, with a bootstrap over people."""
    sums = rows.groupby(["person", "seed"])[["tokens_correct", "tokens"]].sum().to_numpy(float)
    return _bootstrap(sums[:, :1], sums[:, 1:])


def ratio(rows: pd.DataFrame, attribute: str) -> Estimate:
    """Return one attribute's accuracy over the mean of the others', with a bootstrap over people."""
    cells = rows.assign(cluster=rows["person"].astype(str) + "/" + rows["seed"].astype(str))
    table = cells.pivot_table(index="cluster", columns="attribute", values="correct", aggfunc="mean")
    one, rest = table[attribute].to_numpy(float), table.drop(columns=attribute).mean(axis=1).to_numpy(float)
    weight_RxP = np.random.default_rng(0).multinomial(len(one), np.full(len(one), 1 / len(one)), size=RESAMPLES)
    low, high = np.quantile((weight_RxP @ one) / np.maximum(weight_RxP @ rest, 1e-9), [0.025, 0.975])
    return Estimate(float(one.mean() / max(rest.mean(), 1e-9)), float(low), float(high))
