"""Part 3.2, Figure 4: classification of known facts, with a hint and without, by the people trained on."""

from functools import partial

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from experiments.figures import Arms, Between, Claim, Measure, Statement, judge
from experiments.figures import classification_paper as paper
from experiments.figures._shared import hints
from experiments.figures._shared.hints import BASES, HINT_WITHHELD, PLAIN, WITH_HINT
from physics_lm import results
from physics_lm.bootstrap import Estimate

TITLE = "Known facts are hard to use unless they are written down first: classification of people never asked about"
CONFUSION_TASKS = ("month_mod6", "major_mod5")  # the tasks whose errors are drawn


def paper_tasks(rows: pd.DataFrame) -> dict[str, str]:
    """Return the figure's tasks and their names in the paper: its 20 and 100 classes are a fifth and all majors."""
    majors = int(rows.iloc[0]["world.pools.major"])
    names = {f"month_mod{count}": f"month_mod{count}" for count in (2, 6, 12)}
    counts = ((majors, 100), (majors // 5, 20), (5, 5))
    names |= {f"major_mod{ours}": f"major_mod{published}" for ours, published in counts}
    return {task: names[task] for task in rows["task"].unique() if task in names}


def _paper_numbers(rows: pd.DataFrame, task: str) -> hints.PaperNumbers:
    return paper.RESULTS.get(paper_tasks(rows).get(task, ""), {})


def table(arms: Arms) -> pd.DataFrame:
    """Return a row per arm, task and mode (`hints.table`)."""
    return hints.table(arms, partial(_paper_numbers, next(iter(arms.values()))))


def draw(arms: Arms, cells: pd.DataFrame, caption: str) -> Figure:
    """Draw a panel per task, the confusion matrices without a hint, and measured over predicted accuracy."""
    tasks = paper_tasks(next(iter(arms.values())))
    height = -(-len(tasks) // 3)
    figure = plt.figure(figsize=(12, 3 * height + 5.2), layout="constrained")
    grid = figure.add_gridspec(height + 2, 3, height_ratios=[0.28, *[1.0] * height, 1.15])
    for number, (task, paper_task) in enumerate(tasks.items()):
        axis = figure.add_subplot(grid[1 + number // 3, number % 3])
        hints.draw_curves(axis, cells[cells["task"] == task], paper.RESULTS[paper_task], _title(task, paper_task))
        if number % 3 == 0:
            axis.set_ylabel("right answers (%)", fontsize=9)
        if number // 3 == height - 1:
            axis.set_xlabel("people trained on, % of all", fontsize=9)
    for column, task in enumerate(CONFUSION_TASKS):
        _draw_confusion(figure.add_subplot(grid[height + 1, column]), arms, task)
    hints.draw_prediction(figure.add_subplot(grid[height + 1, 2]), cells)
    return hints.add_legend_and_title(figure, TITLE, caption)


def _title(task: str, paper_task: str) -> str:
    kind, count = task.split("_mod")
    quantity = "birth month" if kind == "month" else "luckiness of the major"
    difference = "" if task == paper_task else f" (paper: mod {paper_task.split('_mod')[1]})"
    return f"{quantity} mod {count}{difference}"


def _draw_confusion(axis: Axes, arms: Arms, task: str) -> None:
    """Draw the answers by right answer, for base model M at the largest share, trained without hints."""
    try:
        rows = hints.find_arm(arms, BASES[0], hints.largest_share(arms), hinted=False)
    except KeyError:
        axis.set_axis_off()
        return
    percents = confusion(hints.select(rows, task, PLAIN))
    grid = percents.to_numpy(float)
    axis.imshow(grid, vmin=0, vmax=100, cmap="YlGnBu", aspect="auto")
    for (y, x), value in np.ndenumerate(grid):
        color = "white" if value > 60 else "black"
        axis.text(x, y, f"{value:.0f}", ha="center", va="center", fontsize=7.5, color=color)
    axis.set_xticks(range(grid.shape[1]), percents.columns, fontsize=8)
    axis.set_yticks(range(len(grid)), percents.index, fontsize=8)
    axis.set_xlabel("answered", fontsize=9)
    axis.set_ylabel("right answer", fontsize=9)
    axis.set_title(f"{_title(task, task)}, no hint: % of each row", fontsize=9.5)


def confusion(rows: pd.DataFrame) -> pd.DataFrame:
    """Return how often, in percent of each right answer, each answer is given; all that is none is `other`."""
    answers, gold = rows["prediction"].str.removesuffix("."), rows["gold"].str.removesuffix(".")
    classes = sorted(gold.unique(), key=lambda word: (len(word), word))
    answers = answers.where(answers.isin(classes), "other")
    percents = pd.crosstab(gold, answers, normalize="index") * 100
    columns = [*classes, *(["other"] if (answers == "other").any() else [])]
    return percents.reindex(index=classes, columns=columns, fill_value=0)


def _questions(arms: Arms, task: str, mode: str, share: float | None = None, base: str = BASES[0]) -> pd.DataFrame:
    """Return the questions of one task in one mode, of the arm with a share of people (by default the largest)."""
    share = share or hints.largest_share(arms, base)
    return hints.select(hints.find_arm(arms, base, share, mode != PLAIN), task, mode)


def _accuracy(task: str, mode: str, share: float) -> Measure:
    return lambda arms: hints.estimate(_questions(arms, task, mode, share))


def _mode_gap(task: str, first: str, second: str, share: float | None = None, base: str = BASES[0]) -> Measure:
    return lambda arms: results.contrast(*(_questions(arms, task, mode, share, base) for mode in (first, second)))


def _share_gap(arms: Arms) -> Estimate:
    return results.contrast(*(_questions(arms, "month_mod2", PLAIN, share) for share in (0.5, 0.1)))


def _weaker_renaming(arms: Arms) -> Estimate:
    """Return the lower of the accuracies on all months and on all majors."""
    majors = int(next(iter(arms.values())).iloc[0]["world.pools.major"])
    estimates = [hints.estimate(_questions(arms, task, PLAIN)) for task in ("month_mod12", f"major_mod{majors}")]
    return min(estimates, key=lambda estimate: estimate.value)


def _base_model_gap(arms: Arms) -> Estimate:
    share = hints.largest_share(arms, BASES[1])
    tasks = paper_tasks(hints.find_arm(arms, BASES[0], share, hinted=False))
    pairs = [[_questions(arms, task, PLAIN, share, base) for base in BASES] for task in tasks]
    return hints.mean_absolute_gap([hints.arm_gap(*pair) for pair in pairs])


def _prediction_gap(arms: Arms) -> Estimate:
    tasks = paper_tasks(hints.find_arm(arms, BASES[0], hints.largest_share(arms), hinted=True))
    return hints.mean_absolute_gap([hints.prediction_gap(_questions(arms, task, WITH_HINT)) for task in tasks])


M, M_HINTED, PRIME, PRIME_HINTED = "M_50", "M_50_hint", "Mq_50", "Mq_50_hint"
# so many people teach parity without hints too, in the paper as well
SATURATED = tuple(
    (scale, "half of so many people teach parity without hints, in the paper too") for scale in ("gpu", "paper")
)
# Part 3.2, Figures 4 and 9; at the largest share of people unless said
CLAIMS = (
    Statement("B4", "month parity without hints, of 2.5% of the people", "60.4", ("M_2.5",),
              _accuracy("month_mod2", PLAIN, 0.025), Between(high=75),
              (("laptop", "2.5% of 400 people are ten, too few to train on"),)),
    Statement("B4.10", "month parity without hints, of 10% of the people", "75.9", ("M_10",),
              _accuracy("month_mod2", PLAIN, 0.1), Between(high=90)),
    Statement("B4.rise", "and its rise from 10% to 50% (points)", "19.4", (M, "M_10"), _share_gap, Between(0)),
    Statement("B5", "month parity at 10% of the people, hint training: with the hint above without (points)", "13.9",
              ("M_10_hint",), _mode_gap("month_mod2", WITH_HINT, HINT_WITHHELD, 0.1), Between(8)),
    Statement("B5.10", "hint training and a hint above no-hint training (points)", "18.3", ("M_10", "M_10_hint"),
              _mode_gap("month_mod2", WITH_HINT, PLAIN, 0.1), Between(8)),
    Statement("B5.most", "the same at the largest share (points)", "4.2 (of 50,000 people)", (M, M_HINTED),
              _mode_gap("month_mod2", WITH_HINT, PLAIN), Between(10), SATURATED),
    Statement("B5.major", "the same for the major's luckiness mod 5 (points)", "67.7", (M, M_HINTED),
              _mode_gap("major_mod5", WITH_HINT, PLAIN), Between(10)),
    Statement("B5.most.M'", "the same of M': month parity (points)", "3.4 (of 50,000 people)", (PRIME, PRIME_HINTED),
              _mode_gap("month_mod2", WITH_HINT, PLAIN, base=BASES[1]), Between(10), SATURATED),
    Statement("B5.major.M'", "and the major's luckiness mod 5 (points)", "69.5", (PRIME, PRIME_HINTED),
              _mode_gap("major_mod5", WITH_HINT, PLAIN, base=BASES[1]), Between(10)),
    Statement("B5.without", "hint training, hint withheld, above no-hint training: month parity (points)", "2.2",
              (M, M_HINTED), _mode_gap("month_mod2", HINT_WITHHELD, PLAIN), Between(-8, 8)),
    Statement("B8", "renaming months and majors (mod all), the weaker, without hints", "91.7", (M,), _weaker_renaming,
              Between(85)),
    Statement("B9", "M' against M without hints, mean distance (points)", "0.7", (M, PRIME), _base_model_gap,
              Between(high=5)),
    Statement("B10", "with a hint as predicted from the hint, mean distance (points)", "0.1", (M_HINTED,),
              _prediction_gap, Between(high=5)),
)  # fmt: skip


def claims(arms: Arms, shows: bool, scale: str) -> list[Claim]:
    """Judge the claims B4, B5, B8 to B10 on the rows; a claim that cannot be judged gives the reason."""
    return judge(CLAIMS, arms, shows, scale)
