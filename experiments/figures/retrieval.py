"""Part 3.2, Figure 3: parts of known values, and two values in one answer, by augmentation."""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from data_gen.people.attributes import NAMES
from experiments.figures import Arms, Between, Claim, Measure, Statement, extraction_paper, judge
from experiments.figures import retrieval_paper as paper
from experiments.figures._shared import accuracy
from experiments.figures._shared.hints import absolute, select_task, single_accuracy
from experiments.figures._shared.plotting import add_title, error_bars, heat_map
from physics_lm import results
from physics_lm.bootstrap import Estimate

TITLE = "Two known values can be told in either order; a later part of one value cannot be jumped to"
WHOLE = "birth_date"  # the whole value, from the arms of the extraction figure
PARTS = tuple(f"{part}_{name}" for name in NAMES if name != WHOLE for part in ("first", "last"))
ORDERS = tuple((paper.TASKS[place], paper.TASKS[place + 1]) for place in (2, 4, 6))
FORWARD = "_extraction"  # the suffix of arms with questions for whole values


def select(rows: pd.DataFrame, task: str, heldout: bool = False, split: str = "test") -> pd.DataFrame:
    """Return the questions of one task in a trained wording, or the one held out."""
    if task == WHOLE:
        return accuracy.select(accuracy.questions(rows, split), WHOLE)
    return select_task(rows, task, split, heldout)


def table(arms: Arms) -> pd.DataFrame:
    """Return a row per set of biographies and task: accuracy, interval, chance, held-out wording, paper."""
    lines = []
    for arm, rows in arms.items():
        tasks = (WHOLE,) if arm.endswith(FORWARD) else (*paper.TASKS, *PARTS)
        lines += [_table_row(arm.removesuffix(FORWARD), rows, task) for task in tasks if len(select(rows, task))]
    return pd.DataFrame(lines)


def _table_row(corpus: str, rows: pd.DataFrame, task: str) -> dict[str, object]:
    questions = select(rows, task)
    estimate = single_accuracy(questions)
    published = paper.RESULTS[corpus][paper.TASKS.index(task)] if task in paper.TASKS else None
    chance = results.majority(questions) if task == WHOLE else 100 * questions["chance"].mean()
    heldout = select(rows, task, heldout=True) if task != WHOLE else questions.iloc[:0]
    return {
        "corpus": corpus, "task": task, "accuracy": round(estimate.value, 2), "low": round(estimate.low, 2),
        "high": round(estimate.high, 2), "chance": round(chance, 2),
        "heldout_wording": round(100 * heldout["correct"].mean(), 2) if len(heldout) else None,
        "train_accuracy": round(100 * select(rows, task, split="train")["correct"].mean(), 2),
        "questions": len(questions),
        "paper": extraction_paper.FINETUNED[corpus][1] if task == WHOLE else published,
    }  # fmt: skip


def draw(arms: Arms, cells: pd.DataFrame, caption: str) -> Figure:
    """Draw heat maps of the paper's tasks, ours and the paper's, and below it our tasks for first and last words."""
    names = list(dict.fromkeys(cells["corpus"]))
    figure = plt.figure(figsize=(12, 3.4 + 0.75 * len(names)), layout="constrained")
    grid = figure.add_gridspec(2, 2)
    parts_title = "ours: first and last word of values that have several (%)"
    for place, value, title, tasks in (
        ((0, 0), "accuracy", "ours (%)", (WHOLE, *paper.TASKS)),
        ((0, 1), "paper", "the paper (%)", (WHOLE, *paper.TASKS)),
        ((1, 0), "accuracy", parts_title, PARTS),
    ):
        axis = figure.add_subplot(grid[place])
        values = cells.pivot(index="corpus", columns="task", values=value).reindex(index=names, columns=list(tasks))
        heat_map(axis, values, title, [name.replace("_", "+") for name in names])
        axis.set_xticks(range(len(tasks)), [_task_label(task) for task in tasks], fontsize=6.5)
    _draw_dates(figure.add_subplot(grid[1, 1]), cells, names)
    return add_title(figure, TITLE, caption, 0.05, 0.93)


def _task_label(task: str) -> str:
    label = task.replace("_and_", "\n+\n").replace("first_", "first:\n").replace("last_", "last:\n")
    return label.replace("_", "\n")


def _draw_dates(axis: Axes, cells: pd.DataFrame, names: list[str]) -> None:
    """Draw the date in whole and in parts, with intervals, chance and the paper's values."""
    tasks = (WHOLE, "birth_day", "birth_year")
    width = 0.8 / len(tasks)
    for number, task in enumerate(tasks):
        bars = cells[cells["task"] == task].set_index("corpus").reindex(names)
        x = np.arange(len(names)) + (number - 1) * width
        words = f"ours, {_task_label(task)}".replace("\n", " ")
        axis.bar(x, bars["accuracy"], width * 0.9, yerr=error_bars(bars), capsize=2, label=words)
        labels = ("paper", "most frequent answer") if number == 2 else (None, None)
        axis.scatter(x, bars["paper"], marker="D", color="black", s=22, zorder=3, label=labels[0])
        axis.scatter(x, bars["chance"], marker="_", color="crimson", s=120, zorder=3, label=labels[1])
    axis.set_xticks(range(len(names)), [name.replace("_", "+") for name in names], fontsize=8)
    axis.set_ylim(0, 104)
    axis.set_ylabel("right answers (%)", fontsize=9)
    axis.legend(fontsize=7, frameon=False, ncols=2, loc="upper left", bbox_to_anchor=(0, 1.24), borderaxespad=0)
    axis.spines[["top", "right"]].set_visible(False)


def _accuracy(arm: str, task: str) -> Measure:
    return lambda arms: single_accuracy(select(arms[arm], task))


def _both_values(arms: Arms) -> Estimate:
    """Return the accuracy on questions for two values, each order counting as an attribute of its own."""
    rows = pd.concat([select(arms[PERMUTED], task) for pair in ORDERS for task in pair])
    return results.clustered(rows.assign(attribute=rows["task"]))


def _order_gap(arms: Arms) -> Estimate:
    """Return the largest distance between the two orders of a pair of attributes."""
    rows = arms[PERMUTED]
    gaps = [results.contrast(*(select(rows, task).assign(attribute="both") for task in pair)) for pair in ORDERS]
    return absolute(max(gaps, key=lambda gap: abs(gap.value)))


def _whole_above_year(arms: Arms) -> Estimate:
    """Return by how many points the whole birth date is above the year alone."""
    year = select(arms[PERMUTED], "birth_year").assign(attribute=WHOLE)
    return results.contrast(select(arms[PERMUTED + FORWARD], WHOLE), year)


def _order_ratio(arms: Arms) -> Estimate:
    """Return employer then city over city then employer, where the city is always told after the employer."""
    tasks = zip(ORDERS[2], ("easy", "hard"), strict=True)
    both = pd.concat([select(arms["multi5_fullname"], task).assign(attribute=name) for task, name in tasks])
    return results.ratio(both, "easy")


PERMUTED = "multi5_permute"
# Part 3.2, Figure 3
CLAIMS = (
    Statement("B1", "two values in one answer, mean of six orders", "94.6 to 97.6", (PERMUTED,), _both_values,
              Between(85)),
    Statement("B1.order", "the two orders of a pair, largest distance (points)", "1.1", (PERMUTED,), _order_gap,
              Between(high=5), laptop=Between(high=10)),
    Statement("B2", "fixed order: employer then city against city then employer (ratio)", "5.5", ("multi5_fullname",),
              _order_ratio, Between(2.5)),
    Statement("B3", "the whole birth date", "100", (PERMUTED + FORWARD,), _accuracy(PERMUTED + FORWARD, WHOLE),
              Between(95)),
    Statement("B3.year", "the birth year alone", "20.4", (PERMUTED,), _accuracy(PERMUTED, "birth_year"),
              Between(high=60)),
    Statement("B3.jump", "the whole date above the year alone (points)", "79.6", (PERMUTED, PERMUTED + FORWARD),
              _whole_above_year, Between(20)),
)  # fmt: skip


def claims(arms: Arms, shows: bool, scale: str) -> list[Claim]:
    """Judge the claims B1 to B3 on the rows; a claim that cannot be judged gives the reason."""
    return judge(CLAIMS, arms, shows, scale)
