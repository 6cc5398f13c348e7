"""Part 3.1, Figure 2: `single` stays unextractable in larger models and after more exposures."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from experiments.figures import Arms, Between, Claim, Statement, judge
from experiments.figures import scale_does_not_help_paper as paper
from experiments.figures._shared import accuracy
from experiments.figures._shared.plotting import add_title, panels
from physics_lm.bootstrap import Estimate

TITLE = "One biography of each person: neither a larger model nor more reading makes it answer questions"
SIZES, EXPOSURES = ("small", "base", "large"), ("low", "mid", "high")


def table(arms: Arms) -> pd.DataFrame:
    """Return a row per arm and attribute (and their mean): held-out accuracy, interval, baseline, paper."""
    return accuracy.table(arms, paper.values)


def draw(arms: Arms, cells: pd.DataFrame, caption: str) -> Figure:
    """Draw sizes x exposures: held-out accuracy, the paper's, and the attribute tokens memorised."""
    means = accuracy.mean_rows(cells)
    figure, axes = panels(12, 4.2, 3)
    labels = _axis_labels(arms)
    _grid(axes[0], means, "accuracy", "ours: held-out questions (%)", labels)
    published = pd.DataFrame({"paper": paper.MEANS, "low": np.nan, "high": np.nan})
    sizes, exposures = ["124M", "302M\n(bioR)", "682M"], ["80,000\nsteps", "150,000\nsteps", "200,000\nsteps"]
    _grid(axes[1], published, "paper", "the paper: held-out questions (%)", (sizes, exposures))
    _grid(axes[2], means, "biography_tokens", "ours: attribute tokens of its entries (%)", labels)
    return add_title(figure, TITLE, caption)


def _axis_labels(arms: Arms) -> tuple[list[str], list[str]]:
    """Return the labels of the sizes and of the exposures, from the arms' own settings."""
    sizes, exposures = dict.fromkeys(SIZES, ""), dict.fromkeys(EXPOSURES, "")
    for arm, rows in arms.items():
        size, exposure = arm.split("_")
        sizes[size] = f"{rows['model.layers'].iloc[0]} layers,\nwidth {rows['model.width'].iloc[0]}"
        exposures[exposure] = f"{rows['pretrain.steps'].iloc[0]:,}\nsteps"
    return list(sizes.values()), list(exposures.values())


def _grid(axis: Axes, means: pd.DataFrame, value: str, title: str, labels: tuple[list[str], list[str]]) -> None:
    grid = np.full((3, 3), np.nan)
    for y, size in enumerate(SIZES):
        for x, exposure in enumerate(EXPOSURES):
            if (arm := f"{size}_{exposure}") not in means.index:
                axis.text(x, y, "not run", ha="center", va="center", fontsize=8, color="0.5")
                continue
            row = means.loc[arm]
            grid[y, x] = row[value]
            interval = f"\n{row['low']:.1f} to {row['high']:.1f}" if value == "accuracy" else ""
            color = "white" if row[value] > 60 else "black"
            axis.text(x, y, f"{row[value]:.1f}{interval}", ha="center", va="center", fontsize=9, color=color)
    axis.imshow(grid, vmin=0, vmax=100, cmap="YlGnBu", aspect="auto")
    axis.set_yticks(range(3), labels[0], fontsize=8)
    axis.set_xticks(range(3), labels[1], fontsize=8)
    axis.set_title(title, fontsize=9)


def _highest(arms: Arms) -> Estimate:
    return max((accuracy.mean(name)(arms) for name in arms), key=lambda estimate: estimate.value)


def _least_tokens(arms: Arms) -> Estimate:
    return min((accuracy.tokens(name)(arms) for name in MID), key=lambda estimate: estimate.value)


MID = ("small_mid", "base_mid", "large_mid")
# Part 3.1, Figure 2
CLAIMS = (
    Statement("A3", "the best of all sizes and exposures", "7.8 (bioR; bioS 7.5)", ("base_mid",), _highest,
              Between(high=15)),
    accuracy.difference_statement("A3.size", "the largest model gains nothing on the smallest (points)",
                                  "-3.1 (read longer too)", "large_mid", "small_mid", Between(high=5)),
    accuracy.difference_statement("A3.read", "the longest reading gains nothing on the shortest (points)",
                                  "-3.1 (larger model too)", "base_high", "base_low", Between(high=5)),
    Statement("A3.bio", "the least known entries, at the middle exposure", ">99", MID, _least_tokens, Between(98)),
)  # fmt: skip


def claims(arms: Arms, shows: bool, scale: str) -> list[Claim]:
    """Return claim A3, judged by the rows."""
    return judge(CLAIMS, arms, shows, scale)
