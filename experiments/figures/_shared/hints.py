"""Accuracy by the number of people trained on, with hints and without, for both base models of Part 3.2.

The figures `classification` and `comparison` draw it; `retrieval` and `inverse` use `select_task` and
`single_accuracy` alone. A hint states the facts of a question before its answer (`data_gen.questions.hints`).
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from experiments.figures import Arms
from experiments.figures._shared.plotting import add_title, error_bars
from physics_lm import bootstrap, results
from physics_lm.bootstrap import Estimate

# the modes: trained without hints; trained with hints and asked with one, or without
PLAIN, WITH_HINT, HINT_WITHHELD = MODES = ("no hint in training", "with hint", "hint withheld")
COLORS = {PLAIN: "#3b6fa5", WITH_HINT: "#c97b2a", HINT_WITHHELD: "#8a8a8a"}
BASES = ("M", "M'")  # pretrained on biographies only; and then fine-tuned on extraction questions
WeightedMean = Callable[[str], np.ndarray]  # the weighted means of a column, one for each resample
Gap = Callable[[WeightedMean], np.ndarray]
# the paper's numbers of a task by people trained on (% of all): accuracy by mode and the hint's own, of M and M'
PaperNumbers = Mapping[float, tuple[float, ...]]


@dataclass(frozen=True)
class Arm:
    """The settings of an arm: its base model, the people trained on as a share of all, and hints in training."""

    base: str
    share: float
    hinted: bool


def arm_settings(rows: pd.DataFrame) -> Arm:
    """Return the settings of the arm that rows belong to."""
    first = rows.iloc[0]
    share = float(first["questions.share"]) or float(first["world.train_share"])
    return Arm(BASES[first["prior.method"] != "none"], share, first["questions.hint"] != "none")


def select_task(rows: pd.DataFrame, task: str, split: str = "test", heldout: bool = False) -> pd.DataFrame:
    """Return the questions of one task and split, in a trained wording or the one held out."""
    return rows[(rows["task"] == task) & (rows["split"] == split) & (rows["heldout"] == heldout)]


def select(rows: pd.DataFrame, task: str, mode: str, split: str = "test", heldout: bool = False) -> pd.DataFrame:
    """Return the questions of one task in one mode (`select_task`)."""
    questions = select_task(rows, task, split, heldout)
    return questions[questions["hinted"] == (mode == WITH_HINT)]


def find_arm(arms: Arms, base: str, share: float, hinted: bool) -> pd.DataFrame:
    """Return the rows of the arm with these settings; raises KeyError where it is not among the arms drawn."""
    for rows in arms.values():
        if arm_settings(rows) == Arm(base, share, hinted):
            return rows
    raise KeyError((base, share, hinted))


def largest_share(arms: Arms, base: str = BASES[0]) -> float:
    """Return the largest share of people on which a base model was trained."""
    return max(arm.share for arm in map(arm_settings, arms.values()) if arm.base == base)


def _fact_columns(rows: pd.DataFrame) -> list[str]:
    """Return the columns that say whether the hint states each fact rightly: two for questions about a pair."""
    return ["first_correct", "second_correct"] if (rows["other"] >= 0).all() else ["first_correct"]


def estimate(rows: pd.DataFrame, value: str = "correct") -> Estimate:
    """Return the mean of a column in percent: Wilson for single people of one seed, else a clustered bootstrap."""
    if len(_fact_columns(rows)) == 2:
        return results.paired(rows, value)
    return single_accuracy(rows) if value == "correct" else results.clustered(rows, value)


def single_accuracy(rows: pd.DataFrame) -> Estimate:
    """Return the accuracy on questions about one person each: Wilson's interval for one seed, else a bootstrap."""
    return results.wilson(rows["correct"]) if rows["seed"].nunique() == 1 else results.clustered(rows)


def hint_accuracy(rows: pd.DataFrame) -> float:
    """Return the share of facts that hints state rightly, in percent, each person of a pair counted."""
    return 100 * float(rows[_fact_columns(rows)].to_numpy(float).mean())


def predict_accuracy(hint: float, chance: float, facts: int) -> float:
    """Return h^facts + (1 - h^facts) chance in percent: who knows all facts is right, everyone else guesses."""
    known = (hint / 100) ** facts
    return 100 * (known + (1 - known) * chance / 100)


def table(arms: Arms, paper: Callable[[str], PaperNumbers]) -> pd.DataFrame:
    """Return a row per arm, task and mode: accuracy, interval, chance, hint, prediction, paper.

    paper: the paper's numbers by a task's name here.
    """
    return pd.DataFrame(
        _table_row(name, rows, task, mode, paper(task))
        for name, rows in arms.items()
        for task in rows["task"].unique()
        for mode in ((WITH_HINT, HINT_WITHHELD) if arm_settings(rows).hinted else (PLAIN,))
    )


def _table_row(name: str, rows: pd.DataFrame, task: str, mode: str, paper: PaperNumbers) -> dict[str, Any]:
    arm, questions = arm_settings(rows), select(rows, task, mode)
    accuracy, chance = estimate(questions), 100 * float(questions["chance"].mean())
    share, first = round(100 * arm.share, 1), 4 * BASES.index(arm.base)
    numbers = paper[share][first : first + 4] if share in paper else None
    hint = hint_accuracy(questions) if mode == WITH_HINT else None
    columns = {
        "accuracy": accuracy.value,
        "low": accuracy.low,
        "high": accuracy.high,
        "chance": chance,
        "hint": hint,
        "predicted": None if hint is None else predict_accuracy(hint, chance, len(_fact_columns(questions))),
        "heldout_wording": 100 * select(rows, task, mode, heldout=True)["correct"].mean(),
        "train_accuracy": 100 * select(rows, task, mode, "train")["correct"].mean(),
        "paper": numbers[MODES.index(mode)] if numbers else None,
        "paper_hint": numbers[3] if numbers and mode == WITH_HINT else None,
    }
    settings = {"arm": name, "base": arm.base, "share": share, "task": task, "mode": mode}
    rounded = {key: value if value is None else round(float(value), 2) for key, value in columns.items()}
    return {**settings, **rounded, "questions": len(questions)}


def draw_curves(axis: Axes, cells: pd.DataFrame, paper: PaperNumbers, title: str) -> None:
    """Draw one task: accuracy by share of people, ours with intervals, the paper's of base model M as diamonds.

    cells: the task's rows of the table.
    """
    for number, mode in enumerate(MODES):
        ours = cells[(cells["mode"] == mode) & (cells["base"] == BASES[0])].sort_values("share")
        axis.errorbar(ours["share"], ours["accuracy"], error_bars(ours), color=COLORS[mode], marker="o", ms=5, lw=1.8,
                      capsize=2)  # fmt: skip
        prime = cells[(cells["mode"] == mode) & (cells["base"] == BASES[1])]
        axis.plot(1.13 * prime["share"], prime["accuracy"], "s", mfc="none", mew=1.5, color=COLORS[mode], ms=6)
        shares = sorted(paper)
        axis.plot(shares, [paper[share][number] for share in shares], ":D", color=COLORS[mode], ms=4, lw=1, alpha=0.75)
    if len(cells):
        axis.axhline(cells["chance"].iloc[0], color="crimson", lw=1)
        hinted = cells[(cells["mode"] == WITH_HINT) & (cells["base"] == BASES[0])]
        axis.plot(hinted["share"], hinted["predicted"], "x", color="black", ms=7, mew=1.5)
    ticks = sorted({*cells["share"], *paper})
    axis.set_xscale("log")
    axis.set_xticks(ticks, [f"{tick:g}" for tick in ticks], fontsize=8)
    axis.set_xticks([], minor=True)
    axis.set_ylim(-3, 105)
    axis.set_title(title, fontsize=9.5)
    axis.spines[["top", "right"]].set_visible(False)


def add_legend_and_title(figure: Figure, title: str, caption: str) -> Figure:
    """Put the legend of `draw_curves` and the title above a figure, and the caption below; return the figure."""
    marks = [Line2D([], [], color=COLORS[mode], marker="o", label=f"ours, {mode}") for mode in MODES]
    marks += [
        Line2D([], [], color="0.3", marker="s", mfc="none", ls="", label="ours, base model M'"),
        Line2D([], [], color="black", marker="x", ls="", label="with hint, predicted from the hint's own accuracy"),
        Line2D([], [], color="0.3", marker="D", ls=":", ms=4, label="paper (124M, 100,000 people), same colours"),
        Line2D([], [], color="crimson", label="always the most frequent answer"),
    ]
    figure.legend(handles=marks, loc="upper left", bbox_to_anchor=(0.005, 0.965), ncols=3, fontsize=8, frameon=False)
    return add_title(figure, title, caption, 0.03, 0.94)


def draw_prediction(axis: Axes, cells: pd.DataFrame) -> None:
    """Draw the measured accuracy with a hint over the one predicted from the hint's own accuracy."""
    hinted = cells[cells["mode"] == WITH_HINT]
    axis.plot([0, 100], [0, 100], color="0.7", lw=1)
    for base, mark in zip(BASES, "os", strict=True):
        points = hinted[hinted["base"] == base]
        fill = COLORS[WITH_HINT] if base == BASES[0] else "none"
        axis.errorbar(points["predicted"], points["accuracy"], error_bars(points), fmt=mark, color=COLORS[WITH_HINT],
                      mfc=fill, label=f"base model {base}")  # fmt: skip
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


def absolute(signed: Estimate) -> Estimate:
    """Return the absolute value of an estimate; an interval across zero begins at zero."""
    low, high = abs(signed.low), abs(signed.high)
    nearest = 0.0 if signed.low < 0 < signed.high else min(low, high)
    return Estimate(abs(signed.value), nearest, max(low, high))


def mean_absolute_gap(tasks: Sequence[tuple[pd.DataFrame, Gap]]) -> Estimate:
    """Return the mean over tasks of an absolute gap in percent, with a bootstrap over the people.

    tasks: for each its Q rows, and the gap as a function of a weighted mean over these rows.
    """
    value = np.mean([abs(_gap(rows, gap, np.ones((1, len(rows))))) for rows, gap in tasks])
    resamples = np.mean([np.abs(_gap(rows, gap, bootstrap.weights(rows))) for rows, gap in tasks], axis=0)
    return bootstrap.interval(float(value), resamples)


def _gap(rows: pd.DataFrame, gap: Gap, weight_RxQ: np.ndarray) -> np.ndarray:
    total_R = np.maximum(weight_RxQ.sum(1), 1e-9)
    return 100 * gap(lambda column: weight_RxQ @ rows[column].to_numpy(float) / total_R)


def prediction_gap(rows: pd.DataFrame) -> tuple[pd.DataFrame, Gap]:
    """Return the rows, and how far `predict_accuracy` of the hint's own accuracy is above their accuracy."""
    chance, facts = float(rows["chance"].mean()), _fact_columns(rows)

    def gap(mean: WeightedMean) -> np.ndarray:
        known = (sum(map(mean, facts), np.zeros(1)) / len(facts)) ** len(facts)
        return known + (1 - known) * chance - mean("correct")

    return rows, gap


def arm_gap(first: pd.DataFrame, second: pd.DataFrame) -> tuple[pd.DataFrame, Gap]:
    """Return the questions that two arms share, and the gap between the arms' accuracies on them."""
    keys = ["task", "person", "other", "seed"]
    both = first.merge(second[[*keys, "correct"]], on=keys, suffixes=("", "_second"))
    return both, lambda mean: mean("correct") - mean("correct_second")
