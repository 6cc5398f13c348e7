"""Part 3.1, Figure 7: whether attributes are stored on the name, and whether what is stored can be extracted."""

from functools import partial

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from scipy.stats import rankdata

from data_gen.people.attributes import NAMES
from experiments.figures import Arms, Between, Claim, Statement, extraction_paper, judge
from experiments.figures import q_probe_paper as paper
from experiments.figures._shared import accuracy
from experiments.figures._shared.linear_probes import FIRST, WELL_ABOVE, WHOLE, cell_columns, excess, held_out_rows
from experiments.figures._shared.plotting import add_title, heat_map
from experiments.figures.extraction import label
from physics_lm import bootstrap
from physics_lm.bootstrap import Estimate

TITLE = "Is it stored on the name? Linear probes of a name alone, beside what can be asked for"
FINETUNED = "_asked"  # ending of the arm of the same corpus that is fine-tuned on questions


def probe_arms(arms: Arms) -> list[str]:
    """Return the arms that hold the rows of linear probes."""
    return [arm for arm in arms if not arm.endswith(FINETUNED)]


def table(arms: Arms) -> pd.DataFrame:
    """Return a row per arm, task and attribute.

    Columns: those of `linear_probes.cell_columns`, extraction (held-out questions of the same corpus answered right,
    percent), paper, paper_extraction.
    """
    lines = []
    for arm in probe_arms(arms):
        for task, attribute in arms[arm][["task", "attribute"]].drop_duplicates().itertuples(index=False):
            published = extraction_paper.FINETUNED.get(arm)
            lines.append({
                "arm": arm, "task": task, "attribute": attribute,
                **cell_columns(held_out_rows(arms[arm], task, attribute)),
                "extraction": _extraction(arms, arm, attribute), "paper": paper.value(arm, task, attribute),
                "paper_extraction": published[1 + NAMES.index(attribute)] if published else None,
            })  # fmt: skip
    return pd.DataFrame(lines)


def _extraction(arms: Arms, arm: str, attribute: str) -> float | None:
    if (rows := arms.get(arm + FINETUNED)) is None:
        return None
    return round(100 * float(accuracy.select(accuracy.questions(rows), attribute)["correct"].mean()), 2)


def draw(arms: Arms, cells: pd.DataFrame, caption: str) -> Figure:
    """Draw first tokens and whole values beside the paper's, and probe against extraction."""
    names = probe_arms(arms)
    figure = plt.figure(figsize=(11.5, 5.2 + 0.3 * len(names)), layout="constrained")
    grid = figure.add_gridspec(2, 3, width_ratios=[1, 1, 1.1])
    for row, (task, words) in enumerate(((FIRST, "first tokens"), (WHOLE, "whole values"))):
        rows = cells[cells["task"] == task]
        order = [name for name in NAMES if name in set(rows["attribute"])]
        ours, theirs = (
            rows.pivot(index="arm", columns="attribute", values=value).loc[names, order]
            for value in ("accuracy", "paper")
        )
        baselines = rows.groupby("attribute")[["majority", "shuffled"]].mean().loc[order].T
        baselines.index = pd.Index(["most frequent class", "shuffled labels"])
        ours, labels = pd.concat([ours, baselines]), [*map(label, names), *baselines.index]
        heat_map(figure.add_subplot(grid[row, 0]), ours, f"ours, {words} (%)", labels)
        theirs = theirs.astype(float).reindex(ours.index)
        heat_map(figure.add_subplot(grid[row, 1]), theirs, f"the paper, {words} (%)", [""] * len(labels), missing="")
    _scatter(figure.add_subplot(grid[:, 2]), cells[cells["task"] == FIRST], names)
    return add_title(figure, TITLE, caption)


def _scatter(axis: Axes, cells: pd.DataFrame, names: list[str]) -> None:
    for number, arm in enumerate(names):
        rows = cells[(cells["arm"] == arm) & cells["extraction"].notna()]
        axis.scatter(rows["extraction"], rows["accuracy"], color=f"C{number}", label=label(arm), zorder=3)
    axis.scatter(cells["paper_extraction"], cells["paper"], facecolors="none", edgecolors="0.4", label="the paper's")
    axis.set_xlim(-3, 103)
    axis.set_ylim(-3, 103)
    axis.set_xlabel("questions about the attribute answered right (%)", fontsize=9)
    axis.set_ylabel("first token read from the name (%)", fontsize=9)
    axis.set_title("a point per arm and attribute", fontsize=9)
    axis.legend(fontsize=8, loc="upper left")
    axis.spines[["top", "right"]].set_visible(False)


def correlation(arms: Arms) -> Estimate:
    """Return Pearson's correlation of probe and extraction over all arms and attributes; bootstrap over people."""
    shares_NxTxAxF = _shares(arms)
    return _correlation_estimate(shares_NxTxAxF.reshape(*shares_NxTxAxF.shape[:2], -1))


def rank_correlation(arms: Arms) -> Estimate:
    """Return Spearman's correlation of the arms' means over the attributes; bootstrap over people."""
    return _correlation_estimate(rankdata(_shares(arms).mean(3), axis=2))


def _correlation_estimate(values_NxTxP: np.ndarray) -> Estimate:
    """Return the correlation of the two rows of values, N = 1 + R: of all people, then of each resample."""
    value, *resampled = [np.corrcoef(pair_TxP)[0, 1] for pair_TxP in values_NxTxP]
    return bootstrap.interval(float(value), np.array(resampled))


def _shares(arms: Arms) -> np.ndarray:
    """Return the shares right by probe and by question, (1 + R, 2, arms, 6): of all people and of each resample."""
    pairs = [(arms[arm], arms[arm + FINETUNED]) for arm in probe_arms(arms) if arm + FINETUNED in arms]
    cells = [
        [
            [held_out_rows(probe, FIRST, name) for name in NAMES],
            [accuracy.select(accuracy.questions(answers), name) for name in NAMES],
        ]
        for probe, answers in pairs
    ]
    return np.array([[[_resampled(rows) for rows in task] for task in arm] for arm in cells]).transpose(3, 1, 0, 2)


def _resampled(rows: pd.DataFrame) -> np.ndarray:
    """Return a cell's share of right answers, of all people and of each resample, (1 + R,)."""
    weight_NxQ = np.vstack([np.ones(len(rows)), bootstrap.weights(rows)])
    shares_N: np.ndarray = weight_NxQ @ rows["correct"].to_numpy(float) / weight_NxQ.sum(1)
    return shares_N


def _excesses(arm: str, arms: Arms) -> list[Estimate]:
    """Return the excess of the first tokens of every attribute but the date."""
    return [excess(held_out_rows(arms[arm], FIRST, name)) for name in NAMES[1:]]


def _largest_excess(arm: str, arms: Arms) -> Estimate:
    return max(_excesses(arm, arms), key=lambda estimate: estimate.value)


def _smallest_excess(arm: str, arms: Arms) -> Estimate:
    return min(_excesses(arm, arms), key=lambda estimate: estimate.value)


# Part 3.1, Figure 7; all arms of a scale must be there for the correlation to mean something
CLAIMS = (
    Statement("A15.single", "single: nothing on the name but the date (largest excess over the majority, points)",
              "0.5 or less", ("single",), partial(_largest_excess, "single"), Between(high=5)),
    Statement("A15.multi", "multi5+permute: all on the name (smallest excess, points)", "62.9", ("multi5_permute",),
              partial(_smallest_excess, "multi5_permute"), WELL_ABOVE, laptop=Between(40)),
    Statement("A15", "probe and extraction go together (Pearson's correlation over arms x attributes)", "0.95",
              ("single", "single_asked", "multi5_permute", "multi5_permute_asked"), correlation, Between(0.8)),
    Statement("A15.rank", "and rank the sets alike (Spearman's correlation over the means of all sets)", "0.99",
              (*paper.FIRST, *(arm + FINETUNED for arm in paper.FIRST)), rank_correlation, Between(0.9)),
)  # fmt: skip


def claims(arms: Arms, shows: bool, scale: str) -> list[Claim]:
    """Return claim A15, judged by the rows."""
    return judge(CLAIMS, arms, shows, scale)
