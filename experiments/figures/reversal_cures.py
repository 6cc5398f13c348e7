"""Cures of the reversal curse: what lets facts be asked in the other order (2403.13799, 2406.05183)."""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from data_gen.facts.fact import DESCRIPTION_FIRST, NAME_FIRST, REVERSE, SAME
from experiments.figures import Arms, Between, Claim, Measure, Statement, judge
from experiments.figures import reversal_cures_paper as paper
from experiments.figures._shared.plotting import titled
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


def asked(rows: pd.DataFrame, task: str, subset: str | None = None) -> pd.DataFrame:
    """Return the questions of one task about facts told in one order (or of one subset of them)."""
    return rows[(rows["task"] == task) & rows["attribute"].isin(ONE_ORDER if subset is None else (subset,))]


def table(arms: Arms) -> pd.DataFrame:
    """Return a row per arm, task and subset (and their mean): accuracy with its interval over facts, the paper's."""
    lines = []
    for arm, rows in arms.items():
        for task in (SAME, REVERSE):
            for subset in (None, *ONE_ORDER):
                cell = asked(rows, task, subset)
                if cell.empty:
                    continue
                found = fact_statistics.accuracy(cell)
                lines.append(
                    {
                        "arm": arm,
                        "task": task,
                        "subset": subset or "mean",
                        "accuracy": round(found.value, 2),
                        "low": round(float(found.low), 2),
                        "high": round(float(found.high), 2),
                        "facts": len(fact_statistics.by_fact(cell, "correct")),
                        "questions": len(cell),
                        "chance": round(fact_statistics.chance(cell), 2),
                        "paper": paper.value(arm) if task == REVERSE else None,
                    }
                )
    return pd.DataFrame(lines)


def label(arm: str) -> str:
    """Return an arm's name in words."""
    scratch = ", from scratch" if "_scratch" in arm else ""
    data = ", data-matched" if arm.endswith("_data") else ""
    return NAMES[paper.base_of(arm)] + scratch + data


def draw(arms: Arms, cells: pd.DataFrame, caption: str) -> Figure:
    """Draw a bar per cure and direction asked, beside what the papers found or say."""
    figure, axes = plt.subplots(1, 2, figsize=(12, 1.9 + 0.42 * len(arms)), sharey=True, layout="constrained")
    titles = {
        NAME_FIRST: "told name first, asked for the name",
        DESCRIPTION_FIRST: "told description first, asked for it",
    }
    for axis, (subset, title) in zip(axes, titles.items(), strict=True):
        _bars(axis, cells[cells["subset"] == subset], list(arms), subset == NAME_FIRST)
        axis.set_title(title, fontsize=9, loc="left")
    handles, names = axes[0].get_legend_handles_labels()
    figure.legend(handles, names, loc="upper right", ncols=3, fontsize=8, frameon=False)
    return titled(figure, TITLE, caption, 0.06, 0.9)


def _bars(axis: Axes, cells: pd.DataFrame, arms: list[str], beside_papers: bool) -> None:
    place = np.arange(len(arms))[::-1]
    reverse = cells[cells["task"] == REVERSE].set_index("arm").loc[arms]
    same = cells[cells["task"] == SAME].set_index("arm").loc[arms]
    error = [reverse["accuracy"] - reverse["low"], reverse["high"] - reverse["accuracy"]]
    axis.barh(
        place,
        reverse["accuracy"],
        xerr=error,
        color="#c97b2a",
        height=0.6,
        capsize=3,
        label="ours, asked in the other order",
    )
    axis.scatter(
        same["accuracy"], place, marker="|", s=260, color="#3b6fa5", lw=2.2, zorder=3, label="asked in the order told"
    )
    if beside_papers:
        axis.scatter(
            reverse["paper"].astype(float),
            place,
            marker="D",
            color="black",
            s=30,
            zorder=4,
            label="papers, other order",
        )
    numbers = (reverse[["accuracy", "high", "paper"]].assign(told=same["accuracy"])).astype(float).to_numpy()
    for y, arm, (accuracy, high, paper_s, told) in zip(place, arms, numbers, strict=True):
        words = paper.SAID.get(paper.base_of(arm)) if beside_papers else None
        text = f"{accuracy:.1f}" + (f'   (paper: "{words}")' if words else "")
        near = beside_papers and -4 <= paper_s - high < 9  # false for NaN: a paper without this cell
        right = paper_s + 1 if near else told if -1 <= told - high < 9 else high
        axis.text(right + 1.5, y, text, va="center", fontsize=9)
    axis.set_yticks(place, [label(arm) for arm in arms], fontsize=9)
    axis.set_xlim(0, 108)
    axis.set_xticks(np.arange(0, 101, 20))
    axis.set_xlabel("right answers on held-out paraphrases (%)")
    axis.spines[["top", "right"]].set_visible(False)


def _reverse(arm: str) -> Measure:
    return lambda arms: fact_statistics.accuracy(asked(arms[arm], REVERSE))


def _share(first: str, second: str) -> Measure:
    """Return the ratio of two arms' accuracies in the other order, with the widest of their intervals."""

    def measure(arms: Arms) -> Estimate:
        top, bottom = (fact_statistics.accuracy(asked(arms[arm], REVERSE)) for arm in (first, second))
        least = 1e-9
        return Estimate(
            top.value / max(bottom.value, least), top.low / max(bottom.high, least), top.high / max(bottom.low, least)
        )

    return measure


def _statements(end: str, where: str) -> tuple[Statement, ...]:
    """Return claims D6 and D7 of one group of arms: fine-tuned, or trained from scratch."""
    standard, token, word, entity, segment, uniform = (
        f"{name}{end}" for name in ("standard", "token", "word", "entity", "segment", "uniform")
    )
    mark = "." + end.strip("_") if end else ""
    half = Between(high=0.5)

    def claim(id: str, words: str, told: str, needs: tuple[str, ...], measure: Measure, accept: Between) -> Statement:
        return Statement(f"{id}{mark}", f"{words}{where}", told, needs, measure, accept)

    return (
        claim("D6.none", "no cure", "0", (standard,), _reverse(standard), Between(high=3)),
        claim("D6.entity", "entities kept whole", "cures", (entity,), _reverse(entity), Between(50)),
        claim("D6.token", "tokens against entities (share)", "fails", (token, entity), _share(token, entity), half),
        claim("D6.word", "words against entities (share)", "fails", (word, entity), _share(word, entity), half),
        claim("D6.segment", "random segments", "cures", (segment,), _reverse(segment), Between(50)),
        claim("D7", "masked with uniform rate", "68", (uniform,), _reverse(uniform), Between(30)),
    )


CLAIMS = (*_statements("", ", fine-tuned"), *_statements("_scratch", ", from scratch"))


def claims(arms: Arms, shows: bool, scale: str) -> list[Claim]:
    """Hold claims D6 and D7 against the rows; those whose arms are missing say so."""
    return judge(CLAIMS, arms, shows, scale)
