"""Part 3.2, Figure 3: parts of known values, and two values in one answer, by augmentation."""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from data_gen.people.attributes import NAMES
from experiments.figures import Arms, Between, Claim, Measure, Statement, extraction_paper, judge
from experiments.figures import retrieval_paper as paper
from experiments.figures._shared.plotting import heat, titled
from physics_lm import results
from physics_lm.bootstrap import Estimate

TITLE = "Two known values can be told in either order; a later part of one value cannot be jumped to"
WHOLE = "birth_date"  # asked whole, in the extraction figure's arms
PARTS = tuple(f"{part}_{name}" for name in NAMES if name != WHOLE for part in ("first", "last"))
ORDERS = tuple((paper.TASKS[place], paper.TASKS[place + 1]) for place in (2, 4, 6))
FORWARD = "_extraction"  # ending of the arms that are asked the whole values


def asked(rows: pd.DataFrame, task: str, heldout: bool = False, split: str = "test") -> pd.DataFrame:
    """Return the questions of one task in a learned wording, or the one held out."""
    if task == WHOLE:
        return rows[(rows["task"] == "extraction") & (rows["attribute"] == WHOLE) & (rows["split"] == split)]
    return rows[(rows["task"] == task) & (rows["split"] == split) & (rows["heldout"] == heldout)]


def table(arms: Arms) -> pd.DataFrame:
    """Return a row per set of biographies and task: accuracy, interval, chance, held-out wording, paper."""
    lines = []
    for arm, rows in arms.items():
        tasks = (WHOLE,) if arm.endswith(FORWARD) else (*paper.TASKS, *PARTS)
        lines += [_line(arm, rows, task) for task in tasks if len(asked(rows, task))]
    return pd.DataFrame(lines)


def _line(arm: str, rows: pd.DataFrame, task: str) -> dict[str, object]:
    part, name = asked(rows, task), arm.removesuffix(FORWARD)
    found = _estimate(part)
    theirs = paper.RESULTS[name][paper.TASKS.index(task)] if task in paper.TASKS else None
    held = asked(rows, task, heldout=True) if task != WHOLE else part.iloc[:0]
    return {
        "corpus": name,
        "task": task,
        "accuracy": round(found.value, 2),
        "low": round(found.low, 2),
        "high": round(found.high, 2),
        "chance": round(100 * part["chance"].mean(), 2) if task != WHOLE else round(results.majority(part), 2),
        "heldout_wording": round(100 * held["correct"].mean(), 2) if len(held) else None,
        "train_accuracy": round(100 * asked(rows, task, split="train")["correct"].mean(), 2),
        "questions": len(part),
        "paper": extraction_paper.FINETUNED[name][1] if task == WHOLE else theirs,
    }


def _estimate(part: pd.DataFrame) -> Estimate:
    return results.wilson(part["correct"]) if part["seed"].nunique() == 1 else results.clustered(part)


def draw(arms: Arms, cells: pd.DataFrame, caption: str) -> Figure:
    """Draw heat maps of the paper's tasks, ours and the paper's, and below it our tasks for first and last words."""
    names = list(dict.fromkeys(cells["corpus"]))
    figure = plt.figure(figsize=(12, 3.4 + 0.75 * len(names)), layout="constrained")
    grid = figure.add_gridspec(2, 2)
    tasks = [WHOLE, *paper.TASKS]
    for column, (value, title) in enumerate((("accuracy", "ours (%)"), ("paper", "the paper (%)"))):
        _heat(figure.add_subplot(grid[0, column]), cells, names, tasks, value, title)
    _heat(
        figure.add_subplot(grid[1, 0]),
        cells,
        names,
        list(PARTS),
        "accuracy",
        "ours: first and last word of values that have several (%)",
    )
    _bars(figure.add_subplot(grid[1, 1]), cells)
    return titled(figure, TITLE, caption, 0.05, 0.93)


def _heat(axis: Axes, cells: pd.DataFrame, names: list[str], tasks: list[str], value: str, title: str) -> None:
    grid = cells.pivot(index="corpus", columns="task", values=value).reindex(index=names, columns=tasks)
    heat(axis, grid, title, [name.replace("_", "+") for name in names])
    axis.set_xticks(range(len(tasks)), [_words(task) for task in tasks], fontsize=6.5)


def _words(task: str) -> str:
    said = task.replace("_and_", "\n+\n").replace("first_", "first:\n").replace("last_", "last:\n")
    return said.replace("_", "\n")


def _bars(axis: Axes, cells: pd.DataFrame) -> None:
    """Draw the date in whole and in parts, with intervals, chance and the paper's values."""
    tasks, names = (WHOLE, "birth_day", "birth_year"), list(dict.fromkeys(cells["corpus"]))
    width = 0.8 / len(tasks)
    for number, task in enumerate(tasks):
        part = cells[cells["task"] == task].set_index("corpus").reindex(names)
        place = np.arange(len(names)) + (number - 1) * width
        error = [part["accuracy"] - part["low"], part["high"] - part["accuracy"]]
        axis.bar(
            place,
            part["accuracy"],
            width * 0.9,
            yerr=error,
            capsize=2,
            label=f"ours, {_words(task)}".replace("\n", " "),
        )
        axis.scatter(
            place, part["paper"], marker="D", color="black", s=22, zorder=3, label="paper" if number == 2 else None
        )
        axis.scatter(
            place,
            part["chance"],
            marker="_",
            color="crimson",
            s=120,
            zorder=3,
            label="most frequent answer" if number == 2 else None,
        )
    axis.set_xticks(range(len(names)), [name.replace("_", "+") for name in names], fontsize=8)
    axis.set_ylim(0, 104)
    axis.set_ylabel("right answers (%)", fontsize=9)
    axis.legend(fontsize=7, frameon=False, ncols=2, loc="upper left", bbox_to_anchor=(0, 1.24), borderaxespad=0)
    axis.spines[["top", "right"]].set_visible(False)


def _level(arm: str, task: str) -> Measure:
    return lambda arms: _estimate(asked(arms[arm], task))


def _dual(arm: str) -> Measure:
    def measure(arms: Arms) -> Estimate:
        return results.clustered(_duals(arms[arm]))

    return measure


def _duals(rows: pd.DataFrame) -> pd.DataFrame:
    """Return the questions for two values, each order counting as an attribute of its own."""
    parts = [asked(rows, task) for pair in ORDERS for task in pair]
    both = pd.concat(parts)
    return both.assign(attribute=both["task"])


def _orders(arms: Arms) -> Estimate:
    """Return the largest distance between the two orders of a pair of attributes."""
    rows = arms["multi5_permute"]
    found = [results.contrast(*(asked(rows, task).assign(attribute="both") for task in pair)) for pair in ORDERS]
    widest = max(found, key=lambda estimate: abs(estimate.value))
    ends = sorted((abs(widest.low), abs(widest.high)))
    return Estimate(abs(widest.value), 0.0 if widest.low < 0 < widest.high else ends[0], ends[1])


def _jump(arms: Arms) -> Estimate:
    """Return by how many points the whole birth date is above the year alone."""
    date = asked(arms["multi5_permute" + FORWARD], WHOLE)
    year = asked(arms["multi5_permute"], "birth_year").assign(attribute=WHOLE)
    return results.contrast(date, year)


def _blocked(arms: Arms) -> Estimate:
    """Return employer then city over city then employer, where the city is always told after the employer."""
    easy, hard = (asked(arms["multi5_fullname"], task) for task in ORDERS[2])
    both = pd.concat([easy.assign(attribute="easy"), hard.assign(attribute="hard")])
    return results.ratio(both, "easy")


PERMUTED = "multi5_permute"
# facts B1 to B3
CLAIMS = (
    Statement(
        "B1", "two values in one answer, mean of six orders", "94.6 to 97.6", (PERMUTED,), _dual(PERMUTED), Between(85)
    ),
    Statement(
        "B1.order",
        "the two orders of a pair, largest distance (points)",
        "1.1",
        (PERMUTED,),
        _orders,
        Between(high=5),
        laptop=Between(high=10),
    ),
    Statement(
        "B2",
        "fixed order: employer then city against city then employer (ratio)",
        "5.5",
        ("multi5_fullname",),
        _blocked,
        Between(2.5),
    ),
    Statement(
        "B3", "the whole birth date", "100", (PERMUTED + FORWARD,), _level(PERMUTED + FORWARD, WHOLE), Between(95)
    ),
    Statement("B3.year", "the birth year alone", "20.4", (PERMUTED,), _level(PERMUTED, "birth_year"), Between(high=60)),
    Statement(
        "B3.jump",
        "the whole date above the year alone (points)",
        "79.6",
        (PERMUTED, PERMUTED + FORWARD),
        _jump,
        Between(20),
    ),
)


def claims(arms: Arms, shows: bool, scale: str) -> list[Claim]:
    """Hold the claims B1 to B3 against the rows; those that cannot be carried say why."""
    return judge(CLAIMS, arms, shows, scale)
