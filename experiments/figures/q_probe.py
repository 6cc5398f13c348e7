"""Part 3.1, Figure 7: whether attributes are stored on the name, and whether what is stored there can be asked for."""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from data_gen.attributes import NAMES
from experiments.figures import Arms, Between, Claim, Statement, extraction_paper, held_out, judge
from experiments.figures import q_probe_paper as paper
from experiments.figures.drawing import heat, titled
from experiments.figures.extraction import label
from experiments.figures.linear_probes import FIRST, WHOLE, excess, held, measured
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
    return round(100 * float(held_out.of(held_out.asked(asked), attribute)["correct"].mean()), 2)


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
    pairs = [(arms[arm], arms[arm + ASKED]) for arm in probed(arms) if arm + ASKED in arms]
    drawn, plain = [], []
    for probe, asked in pairs:
        for name in NAMES:
            parts = held(probe, FIRST, name), held_out.of(held_out.asked(asked), name)
            drawn.append([_resampled(part) for part in parts])
            plain.append([part["correct"].mean() for part in parts])
    drawn_PxTxR, plain_PxT = np.array(drawn), np.array(plain, float)
    found = [np.corrcoef(drawn_PxTxR[:, 0, r], drawn_PxTxR[:, 1, r])[0, 1] for r in range(drawn_PxTxR.shape[2])]
    return bootstrap.interval(float(np.corrcoef(plain_PxT.T)[0, 1]), np.array(found))


def _resampled(part: pd.DataFrame) -> np.ndarray:
    weight_RxQ = bootstrap.weights(part.assign(other=-1))
    shares_R: np.ndarray = weight_RxQ @ part["correct"].to_numpy(float) / weight_RxQ.sum(1)
    return shares_R


def _all(arm: str, arms: Arms) -> list[Estimate]:
    """Return how far the first tokens of every attribute but the date are above the most frequent class, in points."""
    return [excess(held(arms[arm], FIRST, name)) for name in NAMES[1:]]


def _largest(arm: str, arms: Arms) -> Estimate:
    return max(_all(arm, arms), key=lambda e: e.value)


def _smallest(arm: str, arms: Arms) -> Estimate:
    return min(_all(arm, arms), key=lambda e: e.value)


# fact A15; all arms of a scale must be there for the correlation to mean something
CLAIMS = (
    Statement("A15.single", "single: nothing on the name but the date (largest excess over the majority, points)",
              "0.5 or less", ("single",), lambda arms: _largest("single", arms), Between(high=5)),
    Statement("A15.multi", "multi5+permute: all on the name (smallest excess, points)", "62.9", ("multi5_permute",),
              lambda arms: _smallest("multi5_permute", arms), Between(40)),
    Statement("A15", "probe and extraction go together (Pearson's correlation over arms x attributes)", "above 0.9",
              ("single", "single_asked", "multi5_permute", "multi5_permute_asked"), correlation, Between(0.8)),
)  # fmt: skip


def claims(arms: Arms, shows: bool, scale: str) -> list[Claim]:
    """Hold claim A15 against the rows."""
    return judge(CLAIMS, arms, shows, scale)
