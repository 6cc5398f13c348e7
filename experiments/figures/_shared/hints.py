"""Accuracy by the number of people trained on, with hints and without, for both base models of Part 3.2.

The figures `classification` and `comparison` are made from it.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from experiments.figures import Arms
from physics_lm import bootstrap, results
from physics_lm.bootstrap import Estimate

# the ways of asking: trained without hints; trained with hints and asked for one, or for none
PLAIN, WITH, WITHOUT = "no hint in training", "with hint", "hint withheld"
MODES = (PLAIN, WITH, WITHOUT)
COLORS = {PLAIN: "#3b6fa5", WITH: "#c97b2a", WITHOUT: "#8a8a8a"}
BASES = ("M", "M'")  # pretrained on biographies only; and then fine-tuned on extraction questions
Mean = Callable[[str], np.ndarray]  # the weighted means of a column, one for each resample
Gap = Callable[[Mean], np.ndarray]
# the paper's numbers of a task by people trained on (% of all): accuracy by mode and the hint's own, of M and M'
Published = Mapping[float, tuple[float, ...]]


@dataclass(frozen=True)
class Arm:
    """What the rows of one arm are of: the base model, and the people trained on as a share of all."""

    base: str
    share: float
    hinted: bool


def arm_of(rows: pd.DataFrame) -> Arm:
    """Return what an arm is, from its settings."""
    first = rows.iloc[0]
    share = float(first["questions.share"]) or float(first["world.train_share"])
    base = BASES[first["prior.method"] != "none"]
    return Arm(base, share, first["questions.hint"] != "none")


def modes_of(rows: pd.DataFrame) -> tuple[str, ...]:
    """Return the ways in which an arm was asked."""
    return (WITH, WITHOUT) if arm_of(rows).hinted else (PLAIN,)


def asked(rows: pd.DataFrame, task: str, mode: str, split: str = "test", heldout: bool = False) -> pd.DataFrame:
    """Return the rows of one task, asked in one way, in a learned wording or the one held out."""
    wanted = (rows["task"] == task) & (rows["split"] == split) & (rows["heldout"] == heldout)
    return rows[wanted & (rows["hinted"] == (mode == WITH))]


def find(arms: Arms, base: str, share: float, hinted: bool) -> pd.DataFrame:
    """Return the rows of an arm; raises KeyError where it is not among those drawn."""
    for rows in arms.values():
        if arm_of(rows) == Arm(base, share, hinted):
            return rows
    raise KeyError((base, share, hinted))


def shares(arms: Arms, base: str = BASES[0]) -> list[float]:
    """Return the shares of people at which a base model was trained, in ascending order."""
    return sorted({arm.share for arm in map(arm_of, arms.values()) if arm.base == base})


def estimate(rows: pd.DataFrame, value: str = "correct") -> Estimate:
    """Return the mean of a column in percent: Wilson for single people of one seed, else a clustered bootstrap."""
    if (rows["other"] >= 0).all():
        return results.paired(rows, value)
    if value == "correct" and rows["seed"].nunique() == 1:
        return results.wilson(rows["correct"])
    return results.clustered(rows, value)


def hint_accuracy(rows: pd.DataFrame) -> float:
    """Return the share of facts that hints state rightly, in percent, each person of a pair counted."""
    facts = ["first_correct", "second_correct"] if (rows["other"] >= 0).all() else ["first_correct"]
    return 100 * float(rows[facts].to_numpy(float).mean())


def predicted(hint: float, chance: float, pair: bool) -> float:
    """Return h + (1 - h) chance in percent, h squared for a pair: who knows both facts is right, else guesses."""
    known = (hint / 100) ** (2 if pair else 1)
    return 100 * (known + (1 - known) * chance / 100)


def published(numbers: Published, base: str) -> pd.DataFrame:
    """Return the paper's accuracies of a task as a table: share (%), mode, accuracy."""
    first = 4 * BASES.index(base)
    lines = [(share, mode, row[first + n]) for share, row in numbers.items() for n, mode in enumerate(MODES)]
    return pd.DataFrame(lines, columns=["share", "mode", "accuracy"])


def table(arms: Arms, theirs: Callable[[str], Published]) -> pd.DataFrame:
    """Return a row per arm, task and way of asking: accuracy, interval, chance, hint, prediction, paper.

    theirs: the paper's numbers of a task, by its name here.
    """
    lines = [
        _line(name, rows, task, mode, theirs(task))
        for name, rows in arms.items()
        for task in rows["task"].unique()
        for mode in modes_of(rows)
    ]
    return pd.DataFrame(lines)


def _line(name: str, rows: pd.DataFrame, task: str, mode: str, numbers: Published) -> dict[str, Any]:
    arm, part = arm_of(rows), asked(rows, task, mode)
    found, chance = estimate(part), 100 * float(part["chance"].mean())
    share, first = round(100 * arm.share, 1), 4 * BASES.index(arm.base)
    theirs = numbers[share][first : first + 4] if share in numbers else None
    pair = bool((part["other"] >= 0).all())
    hint = hint_accuracy(part) if mode == WITH else None
    held, train = asked(rows, task, mode, heldout=True), asked(rows, task, mode, "train")
    columns = {
        "accuracy": found.value,
        "low": found.low,
        "high": found.high,
        "chance": chance,
        "hint": hint,
        "predicted": None if hint is None else predicted(hint, chance, pair),
        "heldout_wording": 100 * held["correct"].mean(),
        "train_accuracy": 100 * train["correct"].mean(),
        "paper": theirs[MODES.index(mode)] if theirs else None,
        "paper_hint": theirs[3] if theirs and mode == WITH else None,
    }
    about = {"arm": name, "base": arm.base, "share": share, "task": task, "mode": mode}
    rounded = {key: value if value is None else round(float(value), 2) for key, value in columns.items()}
    return {**about, **rounded, "questions": len(part)}


def curves(axis: Axes, cells: pd.DataFrame, theirs: pd.DataFrame, title: str) -> None:
    """Draw one task: accuracy by share of people, ours with intervals, the paper's as diamonds.

    cells: the task's rows of the table. theirs: the paper's, with columns share, mode, accuracy.
    """
    for mode in MODES:
        ours = cells[(cells["mode"] == mode) & (cells["base"] == BASES[0])].sort_values("share")
        error = [ours["accuracy"] - ours["low"], ours["high"] - ours["accuracy"]]
        axis.errorbar(ours["share"], ours["accuracy"], error, color=COLORS[mode], marker="o", ms=5, lw=1.8, capsize=2)
        other = cells[(cells["mode"] == mode) & (cells["base"] == BASES[1])]
        axis.plot(1.13 * other["share"], other["accuracy"], "s", mfc="none", mew=1.5, color=COLORS[mode], ms=6)
        paper = theirs[theirs["mode"] == mode].sort_values("share")
        axis.plot(paper["share"], paper["accuracy"], ":D", color=COLORS[mode], ms=4, lw=1, alpha=0.75)
    if len(cells):
        axis.axhline(cells["chance"].iloc[0], color="crimson", lw=1)
        guess = cells[(cells["mode"] == WITH) & (cells["base"] == BASES[0])]
        axis.plot(guess["share"], guess["predicted"], "x", color="black", ms=7, mew=1.5)
    ticks = sorted({*cells["share"], *theirs["share"]})
    axis.set_xscale("log")
    axis.set_xticks(ticks, [f"{tick:g}" for tick in ticks], fontsize=8)
    axis.set_xticks([], minor=True)
    axis.set_ylim(-3, 105)
    axis.set_title(title, fontsize=9.5)
    axis.spines[["top", "right"]].set_visible(False)


def handles() -> list[Line2D]:
    """Return the legend's marks for `curves`."""
    marks = [Line2D([], [], color=COLORS[mode], marker="o", label=f"ours, {mode}") for mode in MODES]
    return [
        *marks,
        Line2D([], [], color="0.3", marker="s", mfc="none", ls="", label="ours, base model M'"),
        Line2D([], [], color="black", marker="x", ls="", label="with hint, predicted from the hint's own accuracy"),
        Line2D([], [], color="0.3", marker="D", ls=":", ms=4, label="paper (124M, 100,000 people), same colours"),
        Line2D([], [], color="crimson", label="always the most frequent answer"),
    ]


def against(axis: Axes, cells: pd.DataFrame) -> None:
    """Draw the prediction from the hint's own accuracy against the accuracy that was measured."""
    seen = cells[cells["mode"] == WITH]
    axis.plot([0, 100], [0, 100], color="0.7", lw=1)
    for base, mark in zip(BASES, "os", strict=True):
        part = seen[seen["base"] == base]
        error = [part["accuracy"] - part["low"], part["high"] - part["accuracy"]]
        fill, name = (COLORS[WITH] if base == BASES[0] else "none"), f"base model {base}"
        axis.errorbar(part["predicted"], part["accuracy"], error, fmt=mark, color=COLORS[WITH], mfc=fill, label=name)
    axis.set_xlabel("predicted: h + (1-h) chance (%)", fontsize=9)
    axis.set_ylabel("measured (%)", fontsize=9)
    axis.set_xlim(0, 103)
    axis.set_ylim(0, 103)
    axis.legend(fontsize=7.5, frameon=False, loc="upper left")
    axis.set_title("with a hint: predicted and measured", fontsize=9.5)
    axis.spines[["top", "right"]].set_visible(False)


def above_chance(rows: pd.DataFrame) -> Estimate:
    """Return by how many points an accuracy lies above its chance level."""
    return estimate(rows.assign(above=rows["correct"] - rows["chance"]), "above")


def either_side(found: Estimate) -> Estimate:
    """Return how far an estimate is from nought, in either direction."""
    low, high = abs(found.low), abs(found.high)
    nearest = 0.0 if found.low < 0 < found.high else min(low, high)
    return Estimate(abs(found.value), nearest, max(low, high))


def mean_gap(parts: Sequence[tuple[pd.DataFrame, Gap]]) -> Estimate:
    """Return the mean over tasks of an absolute gap in percent, with a bootstrap over the people.

    Each part: a task's rows, and the gap as a function of a weighted mean over these rows.
    """
    ones = [np.ones((1, len(rows))) for rows, _ in parts]
    value = np.mean([abs(_gap(rows, gap, one)) for (rows, gap), one in zip(parts, ones, strict=True)])
    drawn = np.mean([np.abs(_gap(rows, gap, bootstrap.weights(rows))) for rows, gap in parts], axis=0)
    return bootstrap.interval(float(value), drawn)


def _gap(rows: pd.DataFrame, gap: Gap, weight_RxQ: np.ndarray) -> np.ndarray:
    total = np.maximum(weight_RxQ.sum(1), 1e-9)
    return 100 * gap(lambda column: weight_RxQ @ rows[column].to_numpy(float) / total)


def from_prediction(rows: pd.DataFrame) -> Gap:
    """Return how far the accuracy with a hint is from what the hint's own accuracy predicts."""
    chance = float(rows["chance"].mean())

    def gap(mean: Mean) -> np.ndarray:
        if (rows["other"] >= 0).all():
            known = ((mean("first_correct") + mean("second_correct")) / 2) ** 2
        else:
            known = mean("first_correct")
        return known + (1 - known) * chance - mean("correct")

    return gap


def difference(first: pd.DataFrame, second: pd.DataFrame) -> tuple[pd.DataFrame, Gap]:
    """Return the questions that two arms share, and the gap between the arms' accuracies on them."""
    keys = ["task", "person", "other", "seed"]
    both = first.merge(second[[*keys, "correct"]], on=keys, suffixes=("", "_second"))
    return both, lambda mean: mean("correct") - mean("correct_second")
