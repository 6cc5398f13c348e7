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
from experiments.figures._shared.hints import BASES, PLAIN, WITH, WITHOUT
from experiments.figures._shared.plotting import titled
from physics_lm import results
from physics_lm.bootstrap import Estimate

TITLE = "Known facts are hard to use unless they are written down first: classification of people never asked about"
MATRICES = ("month_mod6", "major_mod5")  # whose errors are shown


def tasks(rows: pd.DataFrame) -> dict[str, str]:
    """Return the figure's tasks and their names in the paper: its 20 and 100 classes are a fifth and all majors."""
    majors = int(rows.iloc[0]["world.pools.major"])
    names = {f"month_mod{count}": f"month_mod{count}" for count in (2, 6, 12)}
    names |= {f"major_mod{count}": f"major_mod{theirs}" for count, theirs in ((majors, 100), (majors // 5, 20), (5, 5))}
    return {name: names[name] for name in rows["task"].unique() if name in names}


def _paper(rows: pd.DataFrame, task: str) -> hints.Published:
    return paper.RESULTS.get(tasks(rows).get(task, ""), {})


def table(arms: Arms) -> pd.DataFrame:
    """Return a row per arm, task and way of asking (`hints.table`)."""
    return hints.table(arms, partial(_paper, _any(arms)))


def _any(arms: Arms) -> pd.DataFrame:
    return next(iter(arms.values()))


def draw(arms: Arms, cells: pd.DataFrame, caption: str) -> Figure:
    """Draw a panel per task, the error matrices without a hint, and predicted against measured accuracy."""
    names = tasks(_any(arms))
    height = -(-len(names) // 3)
    figure = plt.figure(figsize=(12, 3 * height + 5.2), layout="constrained")
    grid = figure.add_gridspec(height + 2, 3, height_ratios=[0.28, *[1.0] * height, 1.15])
    for number, (task, theirs) in enumerate(names.items()):
        axis = figure.add_subplot(grid[1 + number // 3, number % 3])
        numbers = hints.published(paper.RESULTS[theirs], BASES[0])
        hints.curves(axis, cells[cells["task"] == task], numbers, _title(task, theirs))
        if number % 3 == 0:
            axis.set_ylabel("right answers (%)", fontsize=9)
        if number // 3 == height - 1:
            axis.set_xlabel("people trained on, % of all", fontsize=9)
    for place, task in enumerate(MATRICES):
        _matrix(figure.add_subplot(grid[height + 1, place]), arms, task)
    hints.against(figure.add_subplot(grid[height + 1, 2]), cells)
    figure.legend(
        handles=hints.handles(), loc="upper left", bbox_to_anchor=(0.005, 0.965), ncols=3, fontsize=8, frameon=False
    )
    return titled(figure, TITLE, caption, 0.03, 0.94)


def _title(task: str, theirs: str) -> str:
    kind, count = task.split("_mod")
    words = "birth month" if kind == "month" else "luckiness of the major"
    other = "" if task == theirs else f" (paper: mod {theirs.split('_mod')[1]})"
    return f"{words} mod {count}{other}"


def _matrix(axis: Axes, arms: Arms, task: str) -> None:
    """Draw which answers are given instead, at the largest share, base model M, no hint in training."""
    try:
        rows = hints.find(arms, BASES[0], max(hints.shares(arms)), hinted=False)
    except KeyError:
        axis.set_axis_off()
        return
    counts = errors(hints.asked(rows, task, PLAIN))
    grid = counts.to_numpy(float)
    axis.imshow(grid, vmin=0, vmax=100, cmap="YlGnBu", aspect="auto")
    for (y, x), value in np.ndenumerate(grid):
        axis.text(
            x, y, f"{value:.0f}", ha="center", va="center", fontsize=7.5, color="white" if value > 60 else "black"
        )
    axis.set_xticks(range(grid.shape[1]), counts.columns, fontsize=8)
    axis.set_yticks(range(len(grid)), counts.index, fontsize=8)
    axis.set_xlabel("answered", fontsize=9)
    axis.set_ylabel("right answer", fontsize=9)
    axis.set_title(f"{_title(task, task)}, no hint: % of each row", fontsize=9.5)


def errors(rows: pd.DataFrame) -> pd.DataFrame:
    """Return for each right answer how often, in percent, each answer is given; the rest is `other`."""
    said, gold = rows["prediction"].str.removesuffix("."), rows["gold"].str.removesuffix(".")
    space = sorted(gold.unique(), key=lambda word: (len(word), word))
    said = said.where(said.isin(space), "other")
    counts = pd.crosstab(gold, said, normalize="index") * 100
    columns = [*space, *(["other"] if (said == "other").any() else [])]
    return counts.reindex(index=space, columns=columns, fill_value=0)


def _at(arms: Arms, base: str, share: float | None, mode: str) -> pd.DataFrame:
    largest = max(hints.shares(arms, base))
    return hints.find(arms, base, share or largest, mode != PLAIN)


def _level(task: str, mode: str, share: float) -> Measure:
    def measure(arms: Arms) -> Estimate:
        return hints.estimate(hints.asked(_at(arms, BASES[0], share, mode), task, mode))

    return measure


def _minus(task: str, one: str, two: str, share: float | None = None, base: str = BASES[0]) -> Measure:
    def measure(arms: Arms) -> Estimate:
        parts = [hints.asked(_at(arms, base, share, mode), task, mode) for mode in (one, two)]
        return results.contrast(*parts)

    return measure


def _rise(arms: Arms) -> Estimate:
    parts = [_at(arms, BASES[0], share, PLAIN) for share in (0.5, 0.1)]
    return results.contrast(*(hints.asked(rows, "month_mod2", PLAIN) for rows in parts))


def _renamed(arms: Arms) -> Estimate:
    """Return the accuracy on all months and all majors, the weaker of both."""
    rows = _at(arms, BASES[0], None, PLAIN)
    found = [hints.estimate(hints.asked(rows, task, PLAIN)) for task in _renaming(rows)]
    return min(found, key=lambda estimate: estimate.value)


def _renaming(rows: pd.DataFrame) -> tuple[str, str]:
    return "month_mod12", f"major_mod{int(rows.iloc[0]['world.pools.major'])}"


def _bases(arms: Arms) -> Estimate:
    share = max(hints.shares(arms, BASES[1]))
    pair = [hints.find(arms, base, share, hinted=False) for base in BASES]
    parts = [[hints.asked(rows, task, PLAIN) for rows in pair] for task in tasks(pair[0])]
    return hints.mean_gap([hints.difference(*part) for part in parts])


def _formula(arms: Arms) -> Estimate:
    rows = _at(arms, BASES[0], None, WITH)
    parts = [hints.asked(rows, task, WITH) for task in tasks(rows)]
    return hints.mean_gap([(part, hints.from_prediction(part)) for part in parts])


M, HINTED, PRIME, PRIME_HINTED = "M_50", "M_50_hint", "Mq_50", "Mq_50_hint"
# so many people teach parity without hints too, in the paper as well
MANY = tuple(
    (scale, "half of so many people teach parity without hints, in the paper too") for scale in ("gpu", "paper")
)
# facts B4, B5, B8 to B10; at the largest share of people unless said
CLAIMS = (
    Statement(
        "B4",
        "month parity without hints, of 2.5% of the people",
        "60.4",
        ("M_2.5",),
        _level("month_mod2", PLAIN, 0.025),
        Between(high=75),
        (("laptop", "2.5% of 400 people are ten, too few to train on"),),
    ),
    Statement(
        "B4.10",
        "month parity without hints, of 10% of the people",
        "75.9",
        ("M_10",),
        _level("month_mod2", PLAIN, 0.1),
        Between(high=90),
    ),
    Statement("B4.rise", "and its rise from 10% to 50% (points)", "19.4", (M, "M_10"), _rise, Between(0)),
    Statement(
        "B5",
        "month parity at 10% of the people, hint training: with the hint above without (points)",
        "13.9",
        ("M_10_hint",),
        _minus("month_mod2", WITH, WITHOUT, 0.1),
        Between(8),
    ),
    Statement(
        "B5.10",
        "hint training and a hint above no-hint training (points)",
        "18.3",
        ("M_10", "M_10_hint"),
        _minus("month_mod2", WITH, PLAIN, 0.1),
        Between(8),
    ),
    Statement(
        "B5.most",
        "the same at the largest share (points)",
        "4.2 (of 50,000 people)",
        (M, HINTED),
        _minus("month_mod2", WITH, PLAIN),
        Between(10),
        MANY,
    ),
    Statement(
        "B5.major",
        "the same for the major's luckiness mod 5 (points)",
        "67.7",
        (M, HINTED),
        _minus("major_mod5", WITH, PLAIN),
        Between(10),
    ),
    Statement(
        "B5.most.M'",
        "the same of M': month parity (points)",
        "3.4 (of 50,000 people)",
        (PRIME, PRIME_HINTED),
        _minus("month_mod2", WITH, PLAIN, base=BASES[1]),
        Between(10),
        MANY,
    ),
    Statement(
        "B5.major.M'",
        "and the major's luckiness mod 5 (points)",
        "69.5",
        (PRIME, PRIME_HINTED),
        _minus("major_mod5", WITH, PLAIN, base=BASES[1]),
        Between(10),
    ),
    Statement(
        "B5.without",
        "hint training, hint withheld, above no-hint training: month parity (points)",
        "2.2",
        (M, HINTED),
        _minus("month_mod2", WITHOUT, PLAIN),
        Between(-8, 8),
    ),
    Statement(
        "B8", "renaming months and majors (mod all), the weaker, without hints", "91.7", (M,), _renamed, Between(85)
    ),
    Statement("B9", "M' against M without hints, mean distance (points)", "0.7", (M, PRIME), _bases, Between(high=5)),
    Statement(
        "B10",
        "with a hint as predicted from the hint, mean distance (points)",
        "0.1",
        (HINTED,),
        _formula,
        Between(high=5),
    ),
)


def claims(arms: Arms, shows: bool, scale: str) -> list[Claim]:
    """Hold the claims B4, B5, B8 to B10 against the rows; those that cannot be carried say why."""
    return judge(CLAIMS, arms, shows, scale)
