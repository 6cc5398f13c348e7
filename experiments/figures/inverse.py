"""Part 3.2, Figure 6: inverse search, from attributes to the name, by how the biographies are written."""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from data_gen.questions.inverse import GIVEN
from experiments.figures import Arms, Between, Claim, Measure, Statement, judge, needs, only_runs
from experiments.figures import inverse_paper as paper
from experiments.figures._shared.plotting import titled
from physics_lm import results
from physics_lm.bootstrap import Estimate

TITLE = "Who is it? Nothing that a model has read about a person leads back to the name, unless the name came last"
TASKS = tuple(f"{given}_to_{part}" for part in ("full", "first") for given in GIVEN)
FORWARD = "_extraction"  # ending of the arms that are asked from the name to the attributes


def asked(rows: pd.DataFrame, task: str, heldout: bool = False, split: str = "test") -> pd.DataFrame:
    """Return the questions of one task in a learned wording, or the one held out."""
    return rows[(rows["task"] == task) & (rows["split"] == split) & (rows["heldout"] == heldout)]


def forward(rows: pd.DataFrame) -> pd.DataFrame:
    """Return the held-out extraction questions of an arm."""
    return rows[(rows["task"] == "extraction") & (rows["split"] == "test")]


def ordinary(arm: str) -> bool:
    """Whether an arm's biographies tell the name first."""
    return "reverse" not in arm and not arm.endswith(FORWARD)


def published(arm: str, task: str) -> float | None:
    """Return the paper's number of a cell; for sets that tell the name first the upper end of its range."""
    given, part = task.split("_to_")
    if ordinary(arm):
        return paper.FIRST_NAME[given][1] if part == "first" else 0.0
    return paper.RESULTS[arm][given][part == "full"] if arm in paper.RESULTS else None


def table(arms: Arms) -> pd.DataFrame:
    """Return a row per arm and task: accuracy, interval, chance, ceiling, held-out wording, paper."""
    lines = []
    for arm, rows in arms.items():
        if arm.endswith(FORWARD):
            found = results.clustered(forward(rows))
            lines.append({"arm": arm, "task": "extraction", **_numbers(found, len(forward(rows)))})
            continue
        for task in (task for task in TASKS if len(asked(rows, task))):
            part = asked(rows, task)
            more = {
                "chance": round(100 * part["chance"].mean(), 2),
                "ceiling": round(100 * part["ceiling"].mean(), 2),
                "heldout_wording": round(100 * asked(rows, task, heldout=True)["correct"].mean(), 2),
                "train_accuracy": round(100 * asked(rows, task, split="train")["correct"].mean(), 2),
                "paper": published(arm, task),
            }
            lines.append({"arm": arm, "task": task, **_numbers(_estimate(part), len(part)), **more})
    return pd.DataFrame(lines)


def _numbers(found: Estimate, questions: int) -> dict[str, float]:
    numbers = {"accuracy": found.value, "low": found.low, "high": found.high}
    return {**{name: round(float(value), 2) for name, value in numbers.items()}, "questions": questions}


def _estimate(part: pd.DataFrame) -> Estimate:
    return results.wilson(part["correct"]) if part["seed"].nunique() == 1 else results.clustered(part)


def draw(arms: Arms, cells: pd.DataFrame, caption: str) -> Figure:
    """Draw heat maps of ours and the paper's, the ceiling of the world, and forward beside inverse."""
    names = [name for name in dict.fromkeys(cells["arm"]) if not name.endswith(FORWARD)]
    figure = plt.figure(figsize=(12, 2.6 + 0.85 * len(names)), layout="constrained")
    grid = figure.add_gridspec(2, 2, height_ratios=[1, 1])
    searched = cells[cells["task"] != "extraction"]
    _heat(figure.add_subplot(grid[0, 0]), searched, names, "accuracy", "ours (%)")
    _heat(figure.add_subplot(grid[0, 1]), searched, names, "paper", "the paper (%)")
    _ends(figure.add_subplot(grid[1, :]), searched, cells[cells["task"] == "extraction"], names)
    return titled(figure, TITLE, caption, 0.05, 0.92)


def label(arm: str) -> str:
    """Return an arm's name as the paper writes it."""
    return arm.removesuffix("_mixed").replace("_", "+") + (", mixed" if arm.endswith("_mixed") else "")


def _heat(axis: Axes, cells: pd.DataFrame, names: list[str], value: str, title: str) -> None:
    grid = cells.pivot(index="arm", columns="task", values=value).reindex(index=names, columns=list(TASKS))
    heat = grid.to_numpy(float)
    axis.imshow(heat, vmin=0, vmax=100, cmap="YlGnBu", aspect="auto")
    for (y, x), number in np.ndenumerate(heat):
        below = "≤" if value == "paper" and ordinary(names[y]) and number else ""
        text = (
            "n/a"
            if np.isnan(number)
            else f"{below}{number:.0f}"
            if number >= 10 or number == 0
            else f"{below}{number:.1f}"
        )
        axis.text(x, y, text, ha="center", va="center", fontsize=8, color="white" if number > 60 else "black")
    axis.set_xticks(range(len(TASKS)), [task.replace("_to_", "\nto ") for task in TASKS], fontsize=7.5)
    axis.set_yticks(range(len(names)), [label(name) for name in names], fontsize=8)
    axis.set_title(title, fontsize=9.5)


def _ends(axis: Axes, cells: pd.DataFrame, told: pd.DataFrame, names: list[str]) -> None:
    """Draw date to full name and all to full name, ours, the paper's and the ceiling, and the way forward."""
    for number, (task, color) in enumerate((("bdate_to_full", "#7aa6c2"), ("all_to_full", "#3b6fa5"))):
        part = cells[cells["task"] == task].set_index("arm").reindex(names)
        place = np.arange(len(names)) + (number - 1) * 0.27
        error = [part["accuracy"] - part["low"], part["high"] - part["accuracy"]]
        words = task.replace("_to_full", "").replace("bdate", "birth date")
        axis.bar(place, part["accuracy"], 0.25, yerr=error, capsize=2, color=color, label=f"{words} to full name")
        last = number == 1
        axis.scatter(place, part["paper"], marker="D", s=26, color="black", zorder=3, label="paper" if last else None)
        ceiling = "ceiling: answers that fit several people" if last else None
        axis.scatter(place, part["ceiling"], marker="_", s=160, color="crimson", zorder=3, label=ceiling)
        for x, (_, row) in zip(place, part.iterrows(), strict=True):
            near = 0 <= row["ceiling"] - row["high"] < 8  # the number would be written through its mark
            above = row["ceiling"] if near else row["high"]
            axis.text(x, above + 1.5, f"{row['accuracy']:.1f}", ha="center", fontsize=8)
    shown = told.set_index(told["arm"].str.removesuffix(FORWARD)).reindex(names)
    places = np.arange(len(names)) + 0.27
    error = [shown["accuracy"] - shown["low"], shown["high"] - shown["accuracy"]]
    words = "forward: name to attributes"
    axis.bar(places, shown["accuracy"], 0.25, yerr=error, capsize=2, color="#5b9a68", label=words)
    for x, (_, row) in zip(places, shown.iterrows(), strict=True):
        if row["accuracy"] >= 0:
            axis.text(x, row["high"] + 1.5, f"{row['accuracy']:.1f}", ha="center", fontsize=8)
    axis.set_xticks(range(len(names)), [label(name) for name in names], fontsize=8.5)
    axis.set_ylim(0, 112)
    axis.set_ylabel("right answers (%)", fontsize=9)
    axis.legend(fontsize=8, frameon=False, ncols=5, loc="lower left", bbox_to_anchor=(0, 1), borderaxespad=0)
    axis.spines[["top", "right"]].set_visible(False)


def _level(arm: str, task: str) -> Measure:
    return lambda arms: _estimate(asked(arms[arm], task))


def _highest(arm: str, *given: str) -> Measure:
    """Measure the highest accuracy to the full name from some of the conditions."""
    return lambda arms: max((_estimate(asked(arms[arm], f"{name}_to_full")) for name in given), key=lambda e: e.value)


def _first_name(arms: Arms, names: list[str]) -> Estimate:
    """Return by how many points the best first-name cell is above the most frequent first name."""
    parts = [asked(arms[name], task) for name in names for task in TASKS if task.endswith("first")]
    found = [results.clustered(part.assign(above=part["correct"] - part["chance"]), "above") for part in parts]
    return max(found, key=lambda estimate: estimate.value)


def _of_ceiling(arm: str, task: str) -> Measure:
    def measure(arms: Arms) -> Estimate:
        part = asked(arms[arm], task)
        found, best = _estimate(part), float(part["ceiling"].mean())
        return Estimate(*(number / best for number in (found.value, found.low, found.high)))

    return measure


PERMUTED = "multi5_permute"
# facts B11 to B13
CLAIMS = (
    Statement(
        "B11.forward",
        "multi5+permute meanwhile answers forward questions",
        "96.6",
        (PERMUTED + FORWARD,),
        lambda arms: results.clustered(forward(arms[PERMUTED + FORWARD])),
        Between(60),
    ),
    Statement(
        "B12",
        "name in a closing sentence: all to full name",
        "93.0",
        ("multi5_reverse6",),
        _level("multi5_reverse6", "all_to_full"),
        Between(70),
        laptop=Between(50),
    ),
    Statement(
        "B12.mixed",
        "the same with mixed training",
        "94.9",
        ("multi5_reverse6_mixed",),
        _level("multi5_reverse6_mixed", "all_to_full"),
        Between(70),
        laptop=Between(50),
    ),
    Statement(
        "B12.date",
        "and birth date to full name",
        "0.0",
        ("multi5_reverse6",),
        _level("multi5_reverse6", "bdate_to_full"),
        Between(high=5),
    ),
    Statement(
        "B13",
        "name after the birth date: birth date to full name, % of the ceiling",
        "95",
        ("multi5_reverse1",),
        _of_ceiling("multi5_reverse1", "bdate_to_full"),
        Between(70),
    ),
    Statement(
        "B13.four",
        "what comes after the name: four to full name",
        "0.0",
        ("multi5_reverse1",),
        _level("multi5_reverse1", "four_to_full"),
        Between(high=5),
    ),
)


def claims(arms: Arms, shows: bool, scale: str) -> list[Claim]:
    """Hold the claims B11 to B13 against the rows; those that cannot be carried say why."""
    return [*_impossible(arms, shows, scale), *judge(CLAIMS, arms, shows, scale)]


def _impossible(arms: Arms, shows: bool, scale: str) -> list[Claim]:
    """Judge B11 on every arm drawn that tells the name first."""
    names = [name for name in arms if ordinary(name)]
    full = ("B11", "name told first: full name, the highest cell of all such arms", "0.0")
    first = ("B11.first", "and first name above the most frequent one, the highest cell (points)", "1.5")
    reason = "" if shows else only_runs(scale)
    if not names:
        reason = reason or needs("of a corpus that tells the name first")
    if reason:
        return [Between(high=2).not_carried(*full, reason), Between(high=4).not_carried(*first, reason)]
    best = max((_highest(name, *GIVEN)(arms) for name in names), key=lambda estimate: estimate.value)
    return [Between(high=2).judge(*full, best), Between(high=4).judge(*first, _first_name(arms, names))]
