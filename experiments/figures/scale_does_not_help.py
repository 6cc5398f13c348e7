"""Part 3.1, Figure 2: `single` stays unextractable in larger models and after more exposures."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from experiments.figures import Arms, Between, Claim, Measure, Statement, judge
from experiments.figures import scale_does_not_help_paper as paper
from experiments.figures._shared.accuracy import cells, mean, means, minus, tokens
from experiments.figures._shared.plotting import panels, titled
from physics_lm.bootstrap import Estimate

TITLE = "One biography of each person: neither a larger model nor more reading makes it answer questions"
SIZES, READ = ("small", "base", "large"), ("low", "mid", "high")


def table(arms: Arms) -> pd.DataFrame:
    """Return a row per arm and attribute (and their mean): held-out accuracy, interval, baseline, paper."""
    return cells(arms, paper.values)


def draw(arms: Arms, found: pd.DataFrame, caption: str) -> Figure:
    """Draw sizes x exposures: held-out accuracy, the paper's, and what is remembered of the entries."""
    chosen = means(found)
    figure, axes = panels(12, 4.2, 3)
    rows, columns = _names(arms)
    _grid(axes[0], chosen, "accuracy", "ours: held-out questions (%)", rows, columns)
    sizes, read = ["124M", "302M\n(bioR)", "682M"], ["80,000\nsteps", "150,000\nsteps", "200,000\nsteps"]
    published = pd.DataFrame({"paper": paper.MEANS, "low": np.nan, "high": np.nan})
    _grid(axes[1], published, "paper", "the paper: held-out questions (%)", sizes, read)
    _grid(axes[2], chosen, "biography_tokens", "ours: attribute tokens of its entries (%)", rows, columns)
    return titled(figure, TITLE, caption)


def _names(arms: Arms) -> tuple[list[str], list[str]]:
    """Return what each size and each exposure is called, from the arms' own settings."""
    sizes, read = dict.fromkeys(SIZES, ""), dict.fromkeys(READ, "")
    for arm, rows in arms.items():
        size, exposure = arm.split("_")
        sizes[size] = f"{rows['model.layers'].iloc[0]} layers,\nwidth {rows['model.width'].iloc[0]}"
        read[exposure] = f"{rows['pretrain.steps'].iloc[0]:,}\nsteps"
    return [sizes[size] for size in SIZES], [read[exposure] for exposure in READ]


def _grid(axis: Axes, found: pd.DataFrame, value: str, title: str, rows: list[str], columns: list[str]) -> None:
    grid = np.full((3, 3), np.nan)
    for y, size in enumerate(SIZES):
        for x, exposure in enumerate(READ):
            if (arm := f"{size}_{exposure}") not in found.index:
                axis.text(x, y, "not run", ha="center", va="center", fontsize=8, color="0.5")
                continue
            row = found.loc[arm]
            grid[y, x] = row[value]
            interval = f"\n{row['low']:.1f} to {row['high']:.1f}" if value == "accuracy" else ""
            color = "white" if row[value] > 60 else "black"
            axis.text(x, y, f"{row[value]:.1f}{interval}", ha="center", va="center", fontsize=9, color=color)
    axis.imshow(grid, vmin=0, vmax=100, cmap="YlGnBu", aspect="auto")
    axis.set_xticks(range(3), columns, fontsize=8)
    axis.set_yticks(range(3), rows, fontsize=8)
    axis.set_title(title, fontsize=9)


def _highest(arms: Arms) -> Estimate:
    return max((mean(name)(arms) for name in arms), key=lambda estimate: estimate.value)


def _least_known(names: tuple[str, ...]) -> Measure:
    return lambda arms: min((tokens(name)(arms) for name in names), key=lambda estimate: estimate.value)


MID = ("small_mid", "base_mid", "large_mid")
# facts A3
CLAIMS = (
    Statement(
        "A3", "the best of all sizes and exposures", "7.8 (bioR; bioS 7.5)", ("base_mid",), _highest, Between(high=15)
    ),
    Statement(
        "A3.size",
        "the largest model gains nothing on the smallest (points)",
        "-3.1 (read longer too)",
        ("large_mid", "small_mid"),
        minus("large_mid", "small_mid"),
        Between(high=5),
    ),
    Statement(
        "A3.read",
        "the longest reading gains nothing on the shortest (points)",
        "-3.1 (larger model too)",
        ("base_high", "base_low"),
        minus("base_high", "base_low"),
        Between(high=5),
    ),
    Statement("A3.bio", "the least known entries, at the middle exposure", ">99", MID, _least_known(MID), Between(98)),
)


def claims(arms: Arms, shows: bool, scale: str) -> list[Claim]:
    """Hold claim A3 against the rows."""
    return judge(CLAIMS, arms, shows, scale)
