"""Part 3.1, Figure 7: whether attributes are stored on the name, and whether what is stored there can be asked for."""

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
from experiments.figures._shared.linear_probes import FIRST, MOST, WHOLE, excess, held, measured
from experiments.figures._shared.plotting import heat, titled
from experiments.figures.extraction import label
from physics_lm import bootstrap
from physics_lm.bootstrap import Estimate

TITLE = "Is it stored on the name? Linear probes of a name alone, beside what can be asked for"
ASKED = "_asked"  # the arm of the same corpus that is fine-tuned on questions


def probed(arms: Arms) -> list[str]:
    """Return the arms that hold a probe's rows."""
    return [arm for arm in arms if not arm.endswith(ASKED)]


def table(arms: Arms) -> pd.DataFrame:
    """Return a row per arm, task and attribute.

    Columns: those of `linear_probes.measured`, extraction (held-out questions of the same corpus answered right,
    percent), paper, paper_extraction.
    """
    lines = []
    for arm in probed(arms):
        for task, attribute in arms[arm][["task", "attribute"]].drop_duplicates().itertuples(index=False):
            lines.append(
                {
                    **{"arm": arm, "task": task, "attribute": attribute},
                    **measured(held(arms[arm], task, attribute)),
                    "extraction": _extraction(arms, arm, attribute),
                    "paper": paper.value(arm, task, attribute),
                    "paper_extraction": _published(arm, attribute),
                }
            )
    return pd.DataFrame(lines)


def _extraction(arms: Arms, arm: str, attribute: str) -> float | None:
    if (asked := arms.get(arm + ASKED)) is None:
        return None
    return round(100 * float(accuracy.of(accuracy.asked(asked), attribute)["correct"].mean()), 2)


def _published(arm: str, attribute: str) -> float | None:
    found = extraction_paper.FINETUNED.get(arm)
    return found[1 + NAMES.index(attribute)] if found else None


def draw(arms: Arms, found: pd.DataFrame, caption: str) -> Figure:
    """Draw first tokens and whole values beside the paper's, and probe against extraction."""
    names = probed(arms)
    figure = plt.figure(figsize=(11.5, 5.2 + 0.3 * len(names)), layout="constrained")
    grid = figure.add_gridspec(2, 3, width_ratios=[1, 1, 1.1])
    for row, (task, words) in enumerate(((FIRST, "first tokens"), (WHOLE, "whole values"))):
        part = found[found["task"] == task]
        order = [name for name in NAMES if name in set(part["attribute"])]
        ours, theirs = (
            part.pivot(index="arm", columns="attribute", values=value).loc[names, order]
            for value in ("accuracy", "paper")
        )
        base = part.groupby("attribute")[["majority", "shuffled"]].mean().loc[order].T
        base.index = pd.Index(["most frequent class", "shuffled labels"])
        whole = pd.concat([ours, base])
        labels = [*map(label, names), *base.index]
        heat(figure.add_subplot(grid[row, 0]), whole, f"ours, {words} (%)", labels)
        theirs = theirs.astype(float).reindex(whole.index)
        heat(figure.add_subplot(grid[row, 1]), theirs, f"the paper, {words} (%)", [""] * len(labels), missing="")
    _scatter(figure.add_subplot(grid[:, 2]), found[found["task"] == FIRST], names)
    return titled(figure, TITLE, caption)


def _scatter(axis: Axes, first: pd.DataFrame, names: list[str]) -> None:
    for number, arm in enumerate(names):
        part = first[(first["arm"] == arm) & first["extraction"].notna()]
        axis.scatter(part["extraction"], part["accuracy"], color=f"C{number}", label=label(arm), zorder=3)
    axis.scatter(first["paper_extraction"], first["paper"], facecolors="none", edgecolors="0.4", label="the paper's")
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
    return _correlated(shares_NxTxAxF.reshape(*shares_NxTxAxF.shape[:2], -1))


def ranks(arms: Arms) -> Estimate:
    """Return Spearman's correlation of the arms' means over the attributes; bootstrap over people."""
    return _correlated(rankdata(_shares(arms).mean(3), axis=2))


def _correlated(values_NxTxP: np.ndarray) -> Estimate:
    """Return the correlation of the two rows of values, first of all people and then of each resample."""
    value, *resampled = [np.corrcoef(pair_TxP)[0, 1] for pair_TxP in values_NxTxP]
    return bootstrap.interval(float(value), np.array(resampled))


def _shares(arms: Arms) -> np.ndarray:
    """Return the shares right by the probe and when asked, of all people and of each resample, (1 + R, 2, arms, 6)."""
    pairs = [(arms[arm], arms[arm + ASKED]) for arm in probed(arms) if arm + ASKED in arms]
    parts = [
        [[held(probe, FIRST, name) for name in NAMES], [accuracy.of(accuracy.asked(rows), name) for name in NAMES]]
        for probe, rows in pairs
    ]
    return np.array([[[_resampled(part) for part in kind] for kind in arm] for arm in parts]).transpose(3, 1, 0, 2)


def _resampled(part: pd.DataFrame) -> np.ndarray:
    """Return a cell's share of right answers, of all people and of each resample, (1 + R,)."""
    weight_NxQ = np.vstack([np.ones(len(part)), bootstrap.weights(part)])
    shares_N: np.ndarray = weight_NxQ @ part["correct"].to_numpy(float) / weight_NxQ.sum(1)
    return shares_N


def _all(arm: str, arms: Arms) -> list[Estimate]:
    """Return how far the first tokens of every attribute but the date are above the most frequent class, in points."""
    return [excess(held(arms[arm], FIRST, name)) for name in NAMES[1:]]


def _largest(arm: str, arms: Arms) -> Estimate:
    return max(_all(arm, arms), key=lambda e: e.value)


def _smallest(arm: str, arms: Arms) -> Estimate:
    return min(_all(arm, arms), key=lambda e: e.value)


ALL = tuple(paper.FIRST)
# fact A15; all arms of a scale must be there for the correlation to mean something
CLAIMS = (
    Statement("A15.single", "single: nothing on the name but the date (largest excess over the majority, points)",
              "0.5 or less", ("single",), lambda arms: _largest("single", arms), Between(high=5)),
    Statement("A15.multi", "multi5+permute: all on the name (smallest excess, points)", "62.9", ("multi5_permute",),
              lambda arms: _smallest("multi5_permute", arms), MOST, laptop=Between(40)),
    Statement("A15", "probe and extraction go together (Pearson's correlation over arms x attributes)", "0.95",
              ("single", "single_asked", "multi5_permute", "multi5_permute_asked"), correlation, Between(0.8)),
    Statement("A15.rank", "and rank the sets alike (Spearman's correlation over the means of all sets)", "0.99",
              (*ALL, *(name + ASKED for name in ALL)), ranks, Between(0.9)),
)  # fmt: skip


def claims(arms: Arms, shows: bool, scale: str) -> list[Claim]:
    """Hold claim A15 against the rows."""
    return judge(CLAIMS, arms, shows, scale)
