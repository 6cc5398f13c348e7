"""What figures about questions on held-out people share: their table, their bars, their measures."""

from collections.abc import Callable, Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from data_gen.people.attributes import NAMES
from experiments.figures import Arms, Measure
from physics_lm import results

BLUE, ORANGE, GREEN = "#3b6fa5", "#c97b2a", "#5b8c5a"
PAPER = "paper (124M, 100,000 people)"


def asked(rows: pd.DataFrame, split: str = "test") -> pd.DataFrame:
    """Return the extraction questions of one split."""
    return rows[(rows["task"] == "extraction") & (rows["split"] == split)]


def read(rows: pd.DataFrame) -> pd.DataFrame:
    """Return the values read back from biographies."""
    return rows[rows["task"] == "biography"]


def of(rows: pd.DataFrame, name: str) -> pd.DataFrame:
    """Return the rows of one attribute, or all of them for `mean`."""
    return rows if name == "mean" else rows[rows["attribute"] == name]


def cells(arms: Arms, published: Callable[[str], Sequence[float]]) -> pd.DataFrame:
    """Return a row per arm and attribute (and their mean): held-out accuracy, interval, baseline, paper.

    published: the paper's numbers of an arm: the mean, then the attributes; as many as it gives.
    """
    lines = []
    for arm, rows in arms.items():
        test, known, told, theirs = asked(rows), asked(rows, "train"), read(rows), published(arm)
        for number, name in enumerate(("mean", *NAMES)):
            part = of(test, name)
            single = name != "mean" and part["seed"].nunique() == 1
            estimate = results.wilson(part["correct"]) if single else results.clustered(part)
            lines.append(
                {
                    "arm": arm,
                    "attribute": name,
                    "accuracy": round(estimate.value, 2),
                    "low": round(float(estimate.low), 2),
                    "high": round(float(estimate.high), 2),
                    "questions": len(part),
                    "majority": round(results.majority(part), 2),
                    "train_accuracy": round(results.clustered(of(known, name)).value, 2),
                    "biography_tokens": round(results.token_accuracy(of(told, name)).value, 2),
                    "paper": theirs[number] if number < len(theirs) else None,
                }
            )
    return pd.DataFrame(lines)


def means(table: pd.DataFrame) -> pd.DataFrame:
    """Return the rows of the means over attributes, by arm."""
    return table[table["attribute"] == "mean"].set_index("arm")


def bars(axis: Axes, found: pd.DataFrame, labels: Sequence[str], colors: Sequence[str], paper: str = PAPER) -> None:
    """Draw a bar per arm with its interval, the paper's value and the baseline; `found` as `means` gives it."""
    place = np.arange(len(found))[::-1]
    error = [found["accuracy"] - found["low"], found["high"] - found["accuracy"]]
    axis.barh(place, found["accuracy"], xerr=error, color=colors, height=0.62, capsize=3, label="ours, 95% interval")
    axis.scatter(found["paper"].astype(float), place, marker="D", color="black", s=34, zorder=3, label=paper)
    axis.scatter(
        found["majority"], place, marker="|", color="crimson", s=220, zorder=3, label="always the most frequent answer"
    )
    for y, (_, row) in zip(place, found.iterrows(), strict=True):
        near = row["paper"] is not None and 0 <= row["paper"] - row["high"] < 9  # clear of the paper's mark
        axis.text((row["paper"] if near else row["high"]) + 1.2, y, f"{row['accuracy']:.1f}", va="center", fontsize=9)
    axis.set_yticks(place, labels)
    axis.set_xlim(0, 106)
    axis.set_xlabel("right answers about people never asked about in training, mean of six attributes (%)")
    axis.legend(loc="lower left", bbox_to_anchor=(0, 1), ncols=3, fontsize=8, frameon=False, borderaxespad=0)
    axis.spines[["top", "right"]].set_visible(False)


def memory(axis: Axes, found: pd.DataFrame, colors: Sequence[str]) -> None:
    """Draw beside `bars` what is known of an arm's own entries."""
    place = np.arange(len(found))[::-1]
    axis.barh(place, found["biography_tokens"], color=colors, height=0.62, alpha=0.55)
    for y, value in zip(place, found["biography_tokens"], strict=True):
        inside = value > 20
        axis.text(value - 2 if inside else value + 2, y, f"{value:.1f}", va="center", ha="right" if inside else "left",
                  fontsize=9)  # fmt: skip
    axis.set_yticks(place, [""] * len(place))
    axis.set_xlim(0, 106)
    axis.set_xlabel("attribute tokens right\nin its own entries (%)")
    axis.spines[["top", "right"]].set_visible(False)


def attributes(table: pd.DataFrame, names: Sequence[str], value: str = "accuracy") -> pd.DataFrame:
    """Return a column of the table as arms x attributes."""
    grid = table[table["attribute"] != "mean"].pivot(index="arm", columns="attribute", values=value)
    return grid.loc[list(names), list(NAMES)]


def mean(arm: str) -> Measure:
    """Measure an arm's accuracy on held-out people, mean of the attributes."""
    return lambda arms: results.clustered(asked(arms[arm]))


def minus(first: str, second: str) -> Measure:
    """Measure how much one arm's accuracy is above another's, in points."""
    return lambda arms: results.contrast(asked(arms[first]), asked(arms[second]))


def attribute(arm: str, name: str) -> Measure:
    """Measure an arm's accuracy on one attribute of held-out people."""
    return lambda arms: results.wilson(of(asked(arms[arm]), name)["correct"])


def tokens(arm: str) -> Measure:
    """Measure the share of right attribute tokens in an arm's own entries."""
    return lambda arms: results.token_accuracy(read(arms[arm]))


def train(arm: str) -> Measure:
    """Measure an arm's accuracy on the questions it was trained on."""
    return lambda arms: results.clustered(asked(arms[arm], "train"))
