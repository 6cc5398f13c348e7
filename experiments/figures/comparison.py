"""Part 3.2, Figure 4: comparison of two people's facts, with a hint and without, and why it goes wrong."""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from experiments.figures import Arms, Between, Claim, Measure, Statement, judge
from experiments.figures import comparison_paper as paper
from experiments.figures._shared import hints
from experiments.figures._shared.hints import BASES, PLAIN, WITH, WITHOUT
from experiments.figures._shared.plotting import titled
from physics_lm.bootstrap import Estimate

TITLE = "Who ranks higher? Comparison of two people never asked about, and whether both facts were at hand"
THINGS = {"month": "birth month", "day": "birth day", "major": "luckiness of the major"}
RIGHT, MISSED, DESPITE = "right", "wrong, a fact not extracted", "wrong although both were"
SPLIT = {RIGHT: "#5b9a68", MISSED: "#c9b458", DESPITE: "#b5493b"}


def table(arms: Arms) -> pd.DataFrame:
    """Return a row per arm, task and way of asking (`hints.table`), with the reasons of `reasons`."""
    cells = hints.table(arms, lambda task: paper.RESULTS.get(task, {}))
    found = [_reasons(arms, *where) for where in zip(cells["arm"], cells["task"], cells["mode"], strict=True)]
    return pd.concat([cells, pd.DataFrame(found)], axis=1)


def _reasons(arms: Arms, name: str, task: str, mode: str) -> dict[str, float | None]:
    parts = reasons(arms, arms[name], task, mode)
    return {column: None if parts is None else round(parts[column], 2) for column in (MISSED, DESPITE)}


def reasons(arms: Arms, rows: pd.DataFrame, task: str, mode: str) -> dict[str, float] | None:
    """Return in percent how often an arm is right, wrong for want of a fact, and wrong although both were there.

    A fact is extracted where the hint states it: with a hint the hint before this very answer, else the hint
    about the same pair in the arm of the same base model and people that learned hints; None without that arm.
    """
    part, arm = hints.asked(rows, task, mode), hints.arm_of(rows)
    try:
        source = hints.asked(hints.find(arms, arm.base, arm.share, hinted=True), task, WITH)
    except KeyError:
        return None
    keys = ["person", "other", "seed"]
    both = source.set_index(keys)[["first_correct", "second_correct"]].all(axis=1)
    at_hand = both.loc[pd.MultiIndex.from_frame(part[keys])].to_numpy(bool)
    right = part["correct"].to_numpy(bool)
    shares = {RIGHT: right, MISSED: ~right & ~at_hand, DESPITE: ~right & at_hand}
    return {name: 100 * float(share.mean()) for name, share in shares.items()}


def draw(arms: Arms, cells: pd.DataFrame, caption: str) -> Figure:
    """Draw a panel per task, why answers are wrong at the largest share, and predicted against measured accuracy."""
    figure = plt.figure(figsize=(12, 11.2), layout="constrained")
    grid = figure.add_gridspec(4, 6, height_ratios=[0.28, 1, 1, 1.15])
    for column, thing in enumerate(THINGS):
        for line, kind in enumerate(("ranking", "subtraction")):
            axis, task = figure.add_subplot(grid[1 + line, 2 * column : 2 * column + 2]), f"{thing}_{kind}"
            theirs = hints.published(paper.RESULTS[task], BASES[0])
            hints.curves(axis, cells[cells["task"] == task], theirs, f"{THINGS[thing]}, {kind}")
            if column == 0:
                axis.set_ylabel("right answers (%)", fontsize=9)
            if line == 1:
                axis.set_xlabel("people trained on, % of all", fontsize=9)
    _why(figure.add_subplot(grid[3, :4]), arms, cells)
    hints.against(figure.add_subplot(grid[3, 4:]), cells)
    figure.legend(
        handles=hints.handles(), loc="upper left", bbox_to_anchor=(0.005, 0.965), ncols=3, fontsize=8, frameon=False
    )
    return titled(figure, TITLE, caption, 0.03, 0.94)


def _why(axis: Axes, arms: Arms, cells: pd.DataFrame) -> None:
    """Draw for the rankings, base model M at the largest share, how the answers split up."""
    chosen = cells[(cells["base"] == BASES[0]) & cells["task"].str.endswith("_ranking")].dropna(subset=[DESPITE])
    chosen = chosen[chosen["share"] == chosen["share"].max()]
    bars = [
        (thing, chosen[(chosen["task"] == f"{thing}_ranking") & (chosen["mode"] == mode)])
        for thing in THINGS
        for mode in hints.MODES
    ]
    bars = [(thing, part.iloc[0]) for thing, part in bars if len(part)]
    left = np.zeros(len(bars))
    for name, color in SPLIT.items():
        width = np.array([part["accuracy"] if name == RIGHT else part[name] for _, part in bars])
        axis.barh(np.arange(len(bars))[::-1], width, left=left, color=color, height=0.7, label=name)
        for place, (value, start) in enumerate(zip(width, left, strict=True)):
            if value >= 4:
                axis.text(
                    start + value / 2, len(bars) - 1 - place, f"{value:.0f}", ha="center", va="center", fontsize=8
                )
        left = left + width
    axis.set_yticks(np.arange(len(bars))[::-1], [f"{thing}: {part['mode']}" for thing, part in bars], fontsize=8)
    axis.set_xlim(0, 100)
    axis.set_xlabel("% of the ranking questions, base model M, largest share of people", fontsize=9)
    axis.legend(loc="lower left", bbox_to_anchor=(0, 1), ncols=3, fontsize=8, frameon=False, borderaxespad=0)
    axis.spines[["top", "right"]].set_visible(False)


def _part(arms: Arms, task: str, mode: str, base: str = BASES[0], split: str = "test") -> pd.DataFrame:
    return hints.asked(hints.find(arms, base, max(hints.shares(arms, base)), mode != PLAIN), task, mode, split)


def _level(task: str, mode: str) -> Measure:
    return lambda arms: hints.estimate(_part(arms, task, mode))


def _beyond_chance(task: str, mode: str) -> Measure:
    return lambda arms: hints.either_side(hints.above_chance(_part(arms, task, mode)))


def _formula(arms: Arms) -> Estimate:
    parts = [_part(arms, f"{thing}_{kind}", WITH) for thing in THINGS for kind in ("ranking", "subtraction")]
    return hints.mean_gap([(part, hints.from_prediction(part)) for part in parts if len(part)])


def _bases(arms: Arms) -> Estimate:
    names = [f"{thing}_{kind}" for thing in THINGS for kind in ("ranking", "subtraction")]
    pairs = [[_part(arms, name, PLAIN, base) for base in BASES] for name in names]
    return hints.mean_gap([hints.difference(*pair) for pair in pairs])


M, HINTED, PRIME = "M_50", "M_50_hint", "Mq_50"
LATER = (
    ("laptop", "two people's facts written one after the other do not come out at 400 people: judged at scale=gpu"),
)
# facts B6, B7, B9, B10; at the largest share of people
CLAIMS = (
    Statement(
        "B6",
        "ranking by major without a hint: distance from chance (points)",
        "3.4",
        (M,),
        _beyond_chance("major_ranking", PLAIN),
        Between(high=5),
        laptop=Between(high=8),
    ),
    Statement(
        "B6.subtract",
        "subtraction of majors without a hint: distance from chance (points)",
        "0.1",
        (M,),
        _beyond_chance("major_subtraction", PLAIN),
        Between(high=5),
    ),
    Statement(
        "B6.train",
        "while the people trained on are ranked: by major, without a hint",
        "not given",
        (M,),
        lambda arms: hints.estimate(_part(arms, "major_ranking", PLAIN, split="train")),
        Between(70),
    ),
    Statement(
        "B6.month",
        "and new people are ranked by month (points above chance)",
        "31",
        (M,),
        lambda arms: hints.above_chance(_part(arms, "month_ranking", PLAIN)),
        Between(10),
    ),
    Statement(
        "B6.hint", "ranking by major with a hint", "99.6", (HINTED,), _level("major_ranking", WITH), Between(90), LATER
    ),
    Statement(
        "B6.subtract.hint",
        "subtraction of majors with a hint",
        "98.4",
        (HINTED,),
        _level("major_subtraction", WITH),
        Between(90),
        LATER,
    ),
    Statement(
        "B7",
        "hint training, hint withheld, ranking by major: distance from chance (points)",
        "4.5",
        (HINTED,),
        _beyond_chance("major_ranking", WITHOUT),
        Between(high=6),
    ),
    Statement(
        "B7.train",
        "while that model ranks the people trained on: by major, hint withheld",
        "not given",
        (HINTED,),
        lambda arms: hints.estimate(_part(arms, "major_ranking", WITHOUT, split="train")),
        Between(70),
    ),
    Statement("B9", "M' against M without hints, mean distance (points)", "2.4", (M, PRIME), _bases, Between(high=5)),
    Statement(
        "B10",
        "with a hint as predicted from the hint, mean distance (points)",
        "1.6",
        (HINTED,),
        _formula,
        Between(high=5),
        LATER,
    ),
)


def claims(arms: Arms, shows: bool, scale: str) -> list[Claim]:
    """Hold the claims B6, B7, B9 and B10 against the rows; those that cannot be carried say why."""
    return judge(CLAIMS, arms, shows, scale)
