"""Part 3.2, Figure 4: comparison of two people's facts, with a hint and without, and why it goes wrong."""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from experiments.figures import Arms, Between, Claim, Measure, Statement, judge
from experiments.figures import comparison_paper as paper
from experiments.figures._shared import hints
from experiments.figures._shared.hints import BASES, HINT_WITHHELD, PLAIN, WITH_HINT
from physics_lm.bootstrap import Estimate

TITLE = "Who ranks higher? Comparison of two people never asked about, and whether both facts were at hand"
ATTRIBUTES = {"month": "birth month", "day": "birth day", "major": "luckiness of the major"}
KINDS = ("ranking", "subtraction")
TASKS = tuple(f"{attribute}_{kind}" for attribute in ATTRIBUTES for kind in KINDS)
RIGHT, FACT_MISSING, FACTS_PRESENT = "right", "wrong, a fact not extracted", "wrong although both were"
OUTCOME_COLORS = {RIGHT: "#5b9a68", FACT_MISSING: "#c9b458", FACTS_PRESENT: "#b5493b"}


def table(arms: Arms) -> pd.DataFrame:
    """Return a row per arm, task and mode (`hints.table`), with the percentages of both wrong `outcomes`."""
    cells = hints.table(arms, lambda task: paper.RESULTS.get(task, {}))
    keys = zip(cells["arm"], cells["task"], cells["mode"], strict=True)
    rows = [outcomes(arms, arms[arm], task, mode) for arm, task, mode in keys]
    wrong = [{name: row and round(row[name], 2) for name in (FACT_MISSING, FACTS_PRESENT)} for row in rows]
    return pd.concat([cells, pd.DataFrame(wrong)], axis=1)


def outcomes(arms: Arms, rows: pd.DataFrame, task: str, mode: str) -> dict[str, float] | None:
    """Return in percent how often an arm is right, wrong with a fact missing, and wrong with both facts extracted.

    A fact is extracted where the hint states it: with a hint the hint before this very answer, else the hint
    about the same pair in the arm of the same base model and people that was trained with hints; None without that
    arm.
    """
    questions, arm = hints.select(rows, task, mode), hints.arm_settings(rows)
    try:
        hinted = hints.select(hints.find_arm(arms, arm.base, arm.share, hinted=True), task, WITH_HINT)
    except KeyError:
        return None
    keys = ["person", "other", "seed"]
    both = hinted.set_index(keys)[["first_correct", "second_correct"]].all(axis=1)
    extracted = both.loc[pd.MultiIndex.from_frame(questions[keys])].to_numpy(bool)
    right = questions["correct"].to_numpy(bool)
    shares = {RIGHT: right, FACT_MISSING: ~right & ~extracted, FACTS_PRESENT: ~right & extracted}
    return {name: 100 * float(share.mean()) for name, share in shares.items()}


def draw(arms: Arms, cells: pd.DataFrame, caption: str) -> Figure:
    """Draw a panel per task, why answers are wrong at the largest share, and measured over predicted accuracy."""
    figure = plt.figure(figsize=(12, 11.2), layout="constrained")
    grid = figure.add_gridspec(4, 6, height_ratios=[0.28, 1, 1, 1.15])
    for column, (attribute, quantity) in enumerate(ATTRIBUTES.items()):
        for row, kind in enumerate(KINDS):
            axis, task = figure.add_subplot(grid[1 + row, 2 * column : 2 * column + 2]), f"{attribute}_{kind}"
            hints.draw_curves(axis, cells[cells["task"] == task], paper.RESULTS[task], f"{quantity}, {kind}")
            if column == 0:
                axis.set_ylabel("right answers (%)", fontsize=9)
            if row == 1:
                axis.set_xlabel("people trained on, % of all", fontsize=9)
    _draw_outcomes(figure.add_subplot(grid[3, :4]), cells)
    hints.draw_prediction(figure.add_subplot(grid[3, 4:]), cells)
    return hints.add_legend_and_title(figure, TITLE, caption)


def _draw_outcomes(axis: Axes, cells: pd.DataFrame) -> None:
    """Draw the outcomes of the rankings as stacked bars, for base model M at the largest share."""
    rankings = cells[(cells["base"] == BASES[0]) & cells["task"].str.endswith("_ranking")]
    rankings = rankings.dropna(subset=[FACTS_PRESENT])
    rankings = rankings[rankings["share"] == rankings["share"].max()]
    order = [(f"{attribute}_ranking", mode) for attribute in ATTRIBUTES for mode in hints.MODES]
    bars = rankings.drop_duplicates(["task", "mode"]).set_index(["task", "mode"])
    bars = bars.loc[[key for key in order if key in bars.index]]
    y, left = np.arange(len(bars))[::-1], np.zeros(len(bars))
    for name, color in OUTCOME_COLORS.items():
        width = bars["accuracy" if name == RIGHT else name].to_numpy(float)
        axis.barh(y, width, left=left, color=color, height=0.7, label=name)
        for place, value, start in zip(y, width, left, strict=True):
            if value >= 4:
                axis.text(start + value / 2, place, f"{value:.0f}", ha="center", va="center", fontsize=8)
        left = left + width
    axis.set_yticks(y, [f"{task.removesuffix('_ranking')}: {mode}" for task, mode in bars.index], fontsize=8)
    axis.set_xlim(0, 100)
    axis.set_xlabel("% of the ranking questions, base model M, largest share of people", fontsize=9)
    axis.legend(loc="lower left", bbox_to_anchor=(0, 1), ncols=3, fontsize=8, frameon=False, borderaxespad=0)
    axis.spines[["top", "right"]].set_visible(False)


def _questions(arms: Arms, task: str, mode: str, base: str = BASES[0], split: str = "test") -> pd.DataFrame:
    """Return the questions of one task in one mode, of the arm with the largest share of people."""
    rows = hints.find_arm(arms, base, hints.largest_share(arms, base), mode != PLAIN)
    return hints.select(rows, task, mode, split)


def _accuracy(task: str, mode: str, split: str = "test") -> Measure:
    return lambda arms: hints.estimate(_questions(arms, task, mode, split=split))


def _distance_from_chance(task: str, mode: str) -> Measure:
    return lambda arms: hints.absolute(hints.above_chance(_questions(arms, task, mode)))


def _prediction_gap(arms: Arms) -> Estimate:
    tables = [_questions(arms, task, WITH_HINT) for task in TASKS]
    return hints.mean_absolute_gap([hints.prediction_gap(rows) for rows in tables if len(rows)])


def _base_model_gap(arms: Arms) -> Estimate:
    pairs = [[_questions(arms, task, PLAIN, base) for base in BASES] for task in TASKS]
    return hints.mean_absolute_gap([hints.arm_gap(*pair) for pair in pairs])


M, M_HINTED, PRIME = "M_50", "M_50_hint", "Mq_50"
NEEDS_GPU_SCALE = (
    ("laptop", "two people's facts written one after the other do not come out at 400 people: judged at scale=gpu"),
)
# Part 3.2, Figures 4 and 9; at the largest share of people
CLAIMS = (
    Statement("B6", "ranking by major without a hint: distance from chance (points)", "3.4", (M,),
              _distance_from_chance("major_ranking", PLAIN), Between(high=5), laptop=Between(high=8)),
    Statement("B6.subtract", "subtraction of majors without a hint: distance from chance (points)", "0.1", (M,),
              _distance_from_chance("major_subtraction", PLAIN), Between(high=5)),
    Statement("B6.train", "while the people trained on are ranked: by major, without a hint", "not given", (M,),
              _accuracy("major_ranking", PLAIN, "train"), Between(70)),
    Statement("B6.month", "and new people are ranked by month (points above chance)", "31", (M,),
              lambda arms: hints.above_chance(_questions(arms, "month_ranking", PLAIN)), Between(10)),
    Statement("B6.hint", "ranking by major with a hint", "99.6", (M_HINTED,), _accuracy("major_ranking", WITH_HINT),
              Between(90), NEEDS_GPU_SCALE),
    Statement("B6.subtract.hint", "subtraction of majors with a hint", "98.4", (M_HINTED,),
              _accuracy("major_subtraction", WITH_HINT), Between(90), NEEDS_GPU_SCALE),
    Statement("B7", "hint training, hint withheld, ranking by major: distance from chance (points)", "4.5",
              (M_HINTED,), _distance_from_chance("major_ranking", HINT_WITHHELD), Between(high=6)),
    Statement("B7.train", "while that model ranks the people trained on: by major, hint withheld", "not given",
              (M_HINTED,), _accuracy("major_ranking", HINT_WITHHELD, "train"), Between(70)),
    Statement("B9", "M' against M without hints, mean distance (points)", "2.4", (M, PRIME), _base_model_gap,
              Between(high=5)),
    Statement("B10", "with a hint as predicted from the hint, mean distance (points)", "1.6", (M_HINTED,),
              _prediction_gap, Between(high=5), NEEDS_GPU_SCALE),
)  # fmt: skip


def claims(arms: Arms, shows: bool, scale: str) -> list[Claim]:
    """Judge the claims B6, B7, B9 and B10 on the rows; a claim that cannot be judged gives the reason."""
    return judge(CLAIMS, arms, shows, scale)
