"""Part 3.2, Figure 6: inverse search, from attributes to the name, by how the biographies are written."""

from collections.abc import Callable

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from data_gen.questions.inverse import CLUES
from experiments.figures import Arms, Between, Claim, Measure, Statement, judge, missing_arms_reason, smoke_reason
from experiments.figures import inverse_paper as paper
from experiments.figures._shared import accuracy
from experiments.figures._shared.hints import select_task, single_accuracy
from experiments.figures._shared.plotting import add_title, error_bars
from physics_lm import results
from physics_lm.bootstrap import Estimate

TITLE = "Who is it? Nothing that a model has read about a person leads back to the name, unless the name came last"
TASKS = tuple(f"{clue}_to_{name}" for name in ("full", "first") for clue in CLUES)
FORWARD = "_extraction"  # the suffix of arms with forward questions, from the name to the attributes


def name_comes_first(arm: str) -> bool:
    """Whether an arm is asked for names, and its biographies begin with them."""
    return "reverse" not in arm and not arm.endswith(FORWARD)


def paper_accuracy(arm: str, task: str) -> float | None:
    """Return the paper's number of a cell; where the name comes first the upper end of the paper's range."""
    clue, name = task.split("_to_")
    if name_comes_first(arm):
        return paper.FIRST_NAME[clue][1] if name == "first" else 0.0
    return paper.RESULTS[arm][clue][name == "full"] if arm in paper.RESULTS else None


def table(arms: Arms) -> pd.DataFrame:
    """Return a row per arm and task: accuracy, interval, chance, ceiling, held-out wording, paper."""
    lines: list[dict[str, object]] = []
    for arm, rows in arms.items():
        if arm.endswith(FORWARD):
            questions = accuracy.questions(rows)
            estimate = results.clustered(questions)
            lines.append({"arm": arm, "task": "extraction", **_columns(estimate), "questions": len(questions)})
            continue
        lines += [_inverse_row(arm, rows, task) for task in TASKS if len(select_task(rows, task))]
    return pd.DataFrame(lines)


def _inverse_row(arm: str, rows: pd.DataFrame, task: str) -> dict[str, object]:
    questions = select_task(rows, task)
    return {
        "arm": arm, "task": task, **_columns(single_accuracy(questions)), "questions": len(questions),
        "chance": round(100 * questions["chance"].mean(), 2), "ceiling": round(100 * questions["ceiling"].mean(), 2),
        "heldout_wording": round(100 * select_task(rows, task, heldout=True)["correct"].mean(), 2),
        "train_accuracy": round(100 * select_task(rows, task, "train")["correct"].mean(), 2),
        "paper": paper_accuracy(arm, task),
    }  # fmt: skip


def _columns(estimate: Estimate) -> dict[str, float]:
    columns = {"accuracy": estimate.value, "low": estimate.low, "high": estimate.high}
    return {name: round(float(value), 2) for name, value in columns.items()}


def draw(arms: Arms, cells: pd.DataFrame, caption: str) -> Figure:
    """Draw heat maps of ours and the paper's, and bars of inverse search and forward questions with the ceiling."""
    names = [name for name in dict.fromkeys(cells["arm"]) if not name.endswith(FORWARD)]
    figure = plt.figure(figsize=(12, 2.6 + 0.85 * len(names)), layout="constrained")
    grid = figure.add_gridspec(2, 2, height_ratios=[1, 1])
    inverse, forward = cells[cells["task"] != "extraction"], cells[cells["task"] == "extraction"]
    _draw_heat_map(figure.add_subplot(grid[0, 0]), inverse, names, "accuracy", "ours (%)")
    _draw_heat_map(figure.add_subplot(grid[0, 1]), inverse, names, "paper", "the paper (%)")
    _draw_bars(figure.add_subplot(grid[1, :]), inverse, forward, names)
    return add_title(figure, TITLE, caption, 0.05, 0.92)


def label(arm: str) -> str:
    """Return an arm's name as the paper writes it."""
    return arm.removesuffix("_mixed").replace("_", "+") + (", mixed" if arm.endswith("_mixed") else "")


def _draw_heat_map(axis: Axes, cells: pd.DataFrame, names: list[str], value: str, title: str) -> None:
    grid = cells.pivot(index="arm", columns="task", values=value).reindex(index=names, columns=list(TASKS))
    heat = grid.to_numpy(float)
    axis.imshow(heat, vmin=0, vmax=100, cmap="YlGnBu", aspect="auto")
    for (y, x), number in np.ndenumerate(heat):
        bound = "≤" if value == "paper" and name_comes_first(names[y]) and number else ""
        digits = 0 if number >= 10 or number == 0 else 1
        text = "n/a" if np.isnan(number) else f"{bound}{number:.{digits}f}"
        axis.text(x, y, text, ha="center", va="center", fontsize=8, color="white" if number > 60 else "black")
    axis.set_xticks(range(len(TASKS)), [task.replace("_to_", "\nto ") for task in TASKS], fontsize=7.5)
    axis.set_yticks(range(len(names)), [label(name) for name in names], fontsize=8)
    axis.set_title(title, fontsize=9.5)


def _draw_bars(axis: Axes, inverse: pd.DataFrame, forward: pd.DataFrame, names: list[str]) -> None:
    """Draw date to full name and all to full name, ours, the paper's and the ceiling, and forward questions."""
    x = np.arange(len(names))
    for offset, task, color in ((-0.27, "bdate_to_full", "#7aa6c2"), (0, "all_to_full", "#3b6fa5")):
        cells = inverse[inverse["task"] == task].set_index("arm").reindex(names)
        labels = (None, None) if offset else ("paper", "ceiling: answers that fit several people")
        axis.scatter(x + offset, cells["paper"], marker="D", s=26, color="black", zorder=3, label=labels[0])
        axis.scatter(x + offset, cells["ceiling"], marker="_", s=160, color="crimson", zorder=3, label=labels[1])
        near = (cells["ceiling"] - cells["high"]).between(0, 8, inclusive="left")  # where the mark would cross the text
        clues = task.replace("_to_full", "").replace("bdate", "birth date")
        _draw_group(axis, x + offset, cells, cells["high"].mask(near, cells["ceiling"]), color, f"{clues} to full name")
    cells = forward.set_index(forward["arm"].str.removesuffix(FORWARD)).reindex(names)
    _draw_group(axis, x + 0.27, cells, cells["high"], "#5b9a68", "forward: name to attributes")
    axis.set_xticks(range(len(names)), [label(name) for name in names], fontsize=8.5)
    axis.set_ylim(0, 112)
    axis.set_ylabel("right answers (%)", fontsize=9)
    axis.legend(fontsize=8, frameon=False, ncols=5, loc="lower left", bbox_to_anchor=(0, 1), borderaxespad=0)
    axis.spines[["top", "right"]].set_visible(False)


def _draw_group(axis: Axes, x: np.ndarray, cells: pd.DataFrame, tops: pd.Series, color: str, words: str) -> None:
    """Draw a bar with its interval for each arm, and its accuracy above `tops`."""
    axis.bar(x, cells["accuracy"], 0.25, yerr=error_bars(cells), capsize=2, color=color, label=words)
    for place, value, top in zip(x, cells["accuracy"], tops, strict=True):
        if not np.isnan(value):
            axis.text(place, top + 1.5, f"{value:.1f}", ha="center", fontsize=8)


def _accuracy(arm: str, task: str) -> Measure:
    return lambda arms: single_accuracy(select_task(arms[arm], task))


def _best(arms: Arms, names: list[str], suffix: str, measure: Callable[[pd.DataFrame], Estimate]) -> Estimate:
    """Return the highest estimate over some arms and all tasks that ask for the `full` or the `first` name."""
    tasks = [task for task in TASKS if task.endswith(suffix)]
    return max((measure(select_task(arms[arm], task)) for arm in names for task in tasks), key=lambda e: e.value)


def _above_chance(rows: pd.DataFrame) -> Estimate:
    """Return by how many points an accuracy is above always giving the most frequent first name."""
    return results.clustered(rows.assign(above=rows["correct"] - rows["chance"]), "above")


def _share_of_ceiling(arm: str, task: str) -> Measure:
    def measure(arms: Arms) -> Estimate:
        rows = select_task(arms[arm], task)
        estimate, ceiling = single_accuracy(rows), float(rows["ceiling"].mean())
        return Estimate(*(number / ceiling for number in (estimate.value, estimate.low, estimate.high)))

    return measure


PERMUTED_FORWARD, LAST, LAST_MIXED = "multi5_permute" + FORWARD, "multi5_reverse6", "multi5_reverse6_mixed"
AFTER_DATE = "multi5_reverse1"
# Part 3.2, Figure 6
CLAIMS = (
    Statement("B11.forward", "multi5+permute meanwhile answers forward questions", "96.6", (PERMUTED_FORWARD,),
              accuracy.mean(PERMUTED_FORWARD), Between(60)),
    Statement("B12", "name in a closing sentence: all to full name", "93.0", (LAST,), _accuracy(LAST, "all_to_full"),
              Between(70), laptop=Between(50)),
    Statement("B12.mixed", "the same with mixed training", "94.9", (LAST_MIXED,), _accuracy(LAST_MIXED, "all_to_full"),
              Between(70), laptop=Between(50)),
    Statement("B12.date", "and birth date to full name", "0.0", (LAST,), _accuracy(LAST, "bdate_to_full"),
              Between(high=5)),
    Statement("B13", "name after the birth date: birth date to full name, % of the ceiling", "95", (AFTER_DATE,),
              _share_of_ceiling(AFTER_DATE, "bdate_to_full"), Between(70)),
    Statement("B13.four", "what comes after the name: four to full name", "0.0", (AFTER_DATE,),
              _accuracy(AFTER_DATE, "four_to_full"), Between(high=5)),
)  # fmt: skip


def claims(arms: Arms, shows: bool, scale: str) -> list[Claim]:
    """Judge the claims B11 to B13 on the rows; a claim that cannot be judged gives the reason."""
    return [*_name_first_claims(arms, shows, scale), *judge(CLAIMS, arms, shows, scale)]


def _name_first_claims(arms: Arms, shows: bool, scale: str) -> list[Claim]:
    """Judge B11 on all drawn arms whose biographies begin with the name."""
    names = [arm for arm in arms if name_comes_first(arm)]
    full = ("B11", "name told first: full name, the highest cell of all such arms", "0.0")
    first = ("B11.first", "and first name above the most frequent one, the highest cell (points)", "1.5")
    reason = "" if shows else smoke_reason(scale)
    if not names:
        reason = reason or missing_arms_reason("of a corpus that tells the name first")
    if reason:
        return [Between(high=2).unjudged(*full, reason), Between(high=4).unjudged(*first, reason)]
    return [
        Between(high=2).judge(*full, _best(arms, names, "full", single_accuracy)),
        Between(high=4).judge(*first, _best(arms, names, "first", _above_chance)),
    ]
