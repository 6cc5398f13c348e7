"""Tables, bars and measures of accuracy on questions about held-out people; imported as `accuracy`."""

from collections.abc import Callable, Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from data_gen.people.attributes import NAMES
from experiments.figures import Arms, Between, Measure, Statement
from experiments.figures._shared.plotting import error_bars
from physics_lm import results

PAPER = "paper (124M, 100,000 people)"


def questions(rows: pd.DataFrame, split: str = "test") -> pd.DataFrame:
    """Return the rows of the extraction questions of one split."""
    return rows[(rows["task"] == "extraction") & (rows["split"] == split)]


def biographies(rows: pd.DataFrame) -> pd.DataFrame:
    """Return the rows of the attribute values inside biographies."""
    return rows[rows["task"] == "biography"]


def select(rows: pd.DataFrame, attribute: str) -> pd.DataFrame:
    """Return the rows of one attribute, or all rows where it is `mean`."""
    return rows if attribute == "mean" else rows[rows["attribute"] == attribute]


def table(arms: Arms, published: Callable[[str], Sequence[float]]) -> pd.DataFrame:
    """Return a row per arm and attribute (and their `mean`), all numbers in percent.

    Columns: arm, attribute, accuracy on held-out people with its 95% interval (low, high), questions, majority (always
    the most frequent answer), train_accuracy, biography_tokens (attribute tokens predicted right in the arm's own
    biographies) and paper. published: returns the paper's numbers of an arm: the mean, then as many attributes as the
    paper gives.
    """
    lines = []
    for arm, rows in arms.items():
        test, train, entries, numbers = questions(rows), questions(rows, "train"), biographies(rows), published(arm)
        for number, name in enumerate(("mean", *NAMES)):
            cell = select(test, name)
            single = name != "mean" and cell["seed"].nunique() == 1
            estimate = results.wilson(cell["correct"]) if single else results.clustered(cell)
            lines.append({
                "arm": arm, "attribute": name, "accuracy": round(estimate.value, 2),
                "low": round(float(estimate.low), 2), "high": round(float(estimate.high), 2), "questions": len(cell),
                "majority": round(results.majority(cell), 2),
                "train_accuracy": round(results.clustered(select(train, name)).value, 2),
                "biography_tokens": round(results.token_accuracy(select(entries, name)).value, 2),
                "paper": numbers[number] if number < len(numbers) else None,
            })  # fmt: skip
    return pd.DataFrame(lines)


def mean_rows(cells: pd.DataFrame) -> pd.DataFrame:
    """Return the rows of a table for the means over attributes, indexed by arm."""
    return cells[cells["attribute"] == "mean"].set_index("arm")


def by_attribute(cells: pd.DataFrame, arms: Sequence[str], value: str = "accuracy") -> pd.DataFrame:
    """Return one column of a table as a grid of arms x attributes."""
    grid = cells[cells["attribute"] != "mean"].pivot(index="arm", columns="attribute", values=value)
    return grid.loc[list(arms), list(NAMES)]


def bars(axis: Axes, means: pd.DataFrame, labels: Sequence[str], colors: Sequence[str], paper: str = PAPER) -> None:
    """Draw a bar per row of `mean_rows` with its interval, the paper's value and the majority baseline."""
    place = np.arange(len(means))[::-1]
    axis.barh(place, means["accuracy"], xerr=error_bars(means), color=colors, height=0.62, capsize=3,
              label="ours, 95% interval")  # fmt: skip
    axis.scatter(means["paper"].astype(float), place, marker="D", color="black", s=34, zorder=3, label=paper)
    axis.scatter(means["majority"], place, marker="|", color="crimson", s=220, zorder=3,
                 label="always the most frequent answer")  # fmt: skip
    for y, (_, row) in zip(place, means.iterrows(), strict=True):
        near = row["paper"] is not None and 0 <= row["paper"] - row["high"] < 9  # the number would cover the mark
        axis.text((row["paper"] if near else row["high"]) + 1.2, y, f"{row['accuracy']:.1f}", va="center", fontsize=9)
    axis.set_yticks(place, labels)
    axis.set_xlim(0, 106)
    axis.set_xlabel("right answers about people never asked about in training, mean of six attributes (%)")
    axis.legend(loc="lower left", bbox_to_anchor=(0, 1), ncols=3, fontsize=8, frameon=False, borderaxespad=0)
    axis.spines[["top", "right"]].set_visible(False)


def token_bars(axis: Axes, means: pd.DataFrame, colors: Sequence[str]) -> None:
    """Draw, in a panel beside `bars`, how much each arm has memorised of the attributes in its own biographies."""
    place = np.arange(len(means))[::-1]
    axis.barh(place, means["biography_tokens"], color=colors, height=0.62, alpha=0.55)
    for y, value in zip(place, means["biography_tokens"], strict=True):
        inside = value > 20
        axis.text(value - 2 if inside else value + 2, y, f"{value:.1f}", va="center", ha="right" if inside else "left",
                  fontsize=9)  # fmt: skip
    axis.set_yticks(place, [""] * len(place))
    axis.set_xlim(0, 106)
    axis.set_xlabel("attribute tokens right\nin its own entries (%)")
    axis.spines[["top", "right"]].set_visible(False)


def mean(arm: str) -> Measure:
    """Return the measure of an arm's accuracy on held-out people, mean of the attributes."""
    return lambda arms: results.clustered(questions(arms[arm]))


def difference(first: str, second: str) -> Measure:
    """Return the measure of the first arm's accuracy minus the second's, in points."""
    return lambda arms: results.contrast(questions(arms[first]), questions(arms[second]))


def attribute(arm: str, name: str) -> Measure:
    """Return the measure of an arm's accuracy on one attribute of held-out people."""
    return lambda arms: results.wilson(select(questions(arms[arm]), name)["correct"])


def tokens(arm: str) -> Measure:
    """Return the measure of the share of right attribute tokens in an arm's own biographies."""
    return lambda arms: results.token_accuracy(biographies(arms[arm]))


def train(arm: str) -> Measure:
    """Return the measure of an arm's accuracy on the questions it was trained on."""
    return lambda arms: results.clustered(questions(arms[arm], "train"))


def mean_statement(id: str, words: str, paper: str, arm: str, accept: Between) -> Statement:
    """Return a claim about an arm's accuracy on held-out people, mean of the attributes."""
    return Statement(id, words, paper, (arm,), mean(arm), accept)


def difference_statement(id: str, words: str, paper: str, first: str, second: str, accept: Between) -> Statement:
    """Return a claim about the first arm's accuracy minus the second's, in points."""
    return Statement(id, words, paper, (first, second), difference(first, second), accept)
