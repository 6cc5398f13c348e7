"""Cures of the reversal curse: what lets facts be asked in the other order (2403.13799, 2406.05183)."""

from dataclasses import replace
from itertools import product

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from data_gen.facts.fact import DESCRIPTION_FIRST, NAME_FIRST, REVERSE, SAME
from experiments.figures import Arms, Between, Claim, Measure, Statement, judge
from experiments.figures import reversal_cures_paper as paper
from experiments.figures._shared.plotting import add_title, error_bars
from experiments.figures.reversal import accuracy_columns
from physics_lm import fact_statistics
from physics_lm.bootstrap import Estimate

TITLE = "What lets a fact told in one order be known in the other"
NAMES = {
    "standard": "none: as told",
    "token": "tokens reversed",
    "word": "words reversed",
    "entity": "words reversed, names and descriptions whole",
    "segment": "random segments reversed",
    "identity": "identity sentences",
    "masked": "masked, one rate",
    "uniform": "masked, uniform rate",
}
ONE_ORDER = (NAME_FIRST, DESCRIPTION_FIRST)


def select(rows: pd.DataFrame, task: str, subset: str | None = None) -> pd.DataFrame:
    """Return the questions of one task about facts told in one order, or about one subset of these facts."""
    return rows[(rows["task"] == task) & rows["attribute"].isin(ONE_ORDER if subset is None else (subset,))]


def table(arms: Arms) -> pd.DataFrame:
    """Return a row per arm, task and subset (and their mean): accuracy with its interval over facts, the paper's."""
    lines = []
    for (arm, rows), task, subset in product(arms.items(), (SAME, REVERSE), (None, *ONE_ORDER)):
        if len(cell := select(rows, task, subset)):
            published = paper.accuracy(arm) if task == REVERSE else None
            key = {"arm": arm, "task": task, "subset": subset or "mean"}
            lines.append({**key, **accuracy_columns(cell), "paper": published})
    return pd.DataFrame(lines)


def label(arm: str) -> str:
    """Return an arm's name in words."""
    scratch = ", from scratch" if "_scratch" in arm else ""
    data = ", data-matched" if arm.endswith("_data") else ""
    return NAMES[paper.cure_of(arm)] + scratch + data


def draw(arms: Arms, cells: pd.DataFrame, caption: str) -> Figure:
    """Draw a panel per order of training: a bar per cure for the other order, and the papers' numbers or verdicts."""
    figure, axes = plt.subplots(1, 2, figsize=(12, 1.9 + 0.42 * len(arms)), sharey=True, layout="constrained")
    titles = ("told name first, asked for the name", "told description first, asked for it")
    for axis, subset, title in zip(axes, ONE_ORDER, titles, strict=True):
        _draw_bars(axis, cells[cells["subset"] == subset], list(arms), subset == NAME_FIRST)
        axis.set_title(title, fontsize=9, loc="left")
    handles, names = axes[0].get_legend_handles_labels()
    figure.legend(handles, names, loc="upper right", ncols=3, fontsize=8, frameon=False)
    return add_title(figure, TITLE, caption, 0.06, 0.9)


def _draw_bars(axis: Axes, cells: pd.DataFrame, arms: list[str], with_paper: bool) -> None:
    y = np.arange(len(arms))[::-1]
    reverse = cells[cells["task"] == REVERSE].set_index("arm").loc[arms]
    same = cells[cells["task"] == SAME].set_index("arm").loc[arms]
    axis.barh(y, reverse["accuracy"], xerr=error_bars(reverse), color="#c97b2a", height=0.6, capsize=3,
              label="ours, asked in the other order")  # fmt: skip
    axis.scatter(same["accuracy"], y, marker="|", s=260, color="#3b6fa5", lw=2.2, zorder=3,
                 label="asked in the order told")  # fmt: skip
    if with_paper:
        published = reverse["paper"].astype(float)
        axis.scatter(published, y, marker="D", color="black", s=30, zorder=4, label="papers, other order")
    numbers = reverse[["accuracy", "high", "paper"]].assign(same=same["accuracy"]).astype(float).to_numpy()
    for place, arm, (accuracy, high, paper_value, forward) in zip(y, arms, numbers, strict=True):
        verdict = paper.VERDICTS.get(paper.cure_of(arm)) if with_paper else None
        text = f"{accuracy:.1f}" + (f'   (paper: "{verdict}")' if verdict else "")
        near = with_paper and -4 <= paper_value - high < 9  # false for NaN: a paper without this cell
        right = paper_value + 1 if near else forward if -1 <= forward - high < 9 else high
        axis.text(right + 1.5, place, text, va="center", fontsize=9)
    axis.set_yticks(y, [label(arm) for arm in arms], fontsize=9)
    axis.set_xlim(0, 108)
    axis.set_xticks(np.arange(0, 101, 20))
    axis.set_xlabel("right answers on held-out paraphrases (%)")
    axis.spines[["top", "right"]].set_visible(False)


def _reverse_accuracy(arm: str) -> Measure:
    return lambda arms: fact_statistics.accuracy(select(arms[arm], REVERSE))


def _ratio(first: str, second: str) -> Measure:
    """Return the ratio of two arms' accuracies in the other order, with the widest of their intervals."""

    def measure(arms: Arms) -> Estimate:
        top, bottom = (_reverse_accuracy(arm)(arms) for arm in (first, second))
        value, most, least = (max(number, 1e-9) for number in (bottom.value, bottom.high, bottom.low))
        return Estimate(top.value / value, top.low / most, top.high / least)

    return measure


def _statements(suffix: str, training: str) -> tuple[Statement, ...]:
    """Return claims D6 and D7 for one group of arms: fine-tuned, or trained from scratch."""
    standard, token, word, entity, segment, uniform = (
        f"{name}{suffix}" for name in ("standard", "token", "word", "entity", "segment", "uniform")
    )
    statements = (
        Statement("D6.none", "no cure", "0", (standard,), _reverse_accuracy(standard), Between(high=3)),
        Statement("D6.entity", "entities kept whole", "cures", (entity,), _reverse_accuracy(entity), Between(50)),
        Statement("D6.token", "tokens against entities (share)", "fails", (token, entity), _ratio(token, entity),
                  Between(high=0.5)),
        Statement("D6.word", "words against entities (share)", "fails", (word, entity), _ratio(word, entity),
                  Between(high=0.5)),
        Statement("D6.segment", "random segments", "cures", (segment,), _reverse_accuracy(segment), Between(50)),
        Statement("D7", "masked with uniform rate", "68", (uniform,), _reverse_accuracy(uniform), Between(30)),
    )  # fmt: skip
    return tuple(replace(s, id=s.id + suffix.replace("_", "."), statement=s.statement + training) for s in statements)


CLAIMS = (*_statements("", ", fine-tuned"), *_statements("_scratch", ", from scratch"))


def claims(arms: Arms, shows: bool, scale: str) -> list[Claim]:
    """Judge the claims D6 and D7 on the rows; a claim whose arms are missing names them."""
    return judge(CLAIMS, arms, shows, scale)
