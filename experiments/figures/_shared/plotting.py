"""Plot elements of all figures: colours, panels, error bars, heat maps, the title and the caption."""

from collections.abc import Sequence

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

BLUE, ORANGE, GREEN = "#3b6fa5", "#c97b2a", "#5b8c5a"


def panels(width: float, height: float, count: int, ratios: Sequence[float] | None = None) -> tuple[Figure, list[Axes]]:
    """Return a figure of `width` x `height` inches with `count` panels side by side, in the given width ratios."""
    figure, axes = plt.subplots(1, count, figsize=(width, height), layout="constrained", width_ratios=ratios)
    return figure, list(np.atleast_1d(axes))


def error_bars(cells: pd.DataFrame) -> list[pd.Series]:
    """Return how far the interval reaches below and above the accuracy, as matplotlib's `xerr` and `yerr` take it."""
    return [cells["accuracy"] - cells["low"], cells["high"] - cells["accuracy"]]


def heat_map(axis: Axes, values: pd.DataFrame, title: str, labels: Sequence[str], missing: str = "n/a") -> None:
    """Draw a heat map of percentages with a label for each row. missing: the text of a cell without a number."""
    grid = values.to_numpy(float)
    axis.imshow(grid, vmin=0, vmax=100, cmap="YlGnBu", aspect="auto")
    for (y, x), value in np.ndenumerate(grid):
        text = missing if np.isnan(value) else f"{value:.0f}"
        axis.text(x, y, text, ha="center", va="center", fontsize=8, color="white" if value > 60 else "black")
    axis.set_xticks(range(values.shape[1]), [str(c).replace("_", "\n") for c in values.columns], fontsize=7)
    axis.set_yticks(range(len(values)), labels, fontsize=8)
    axis.set_title(title, fontsize=9)


def add_title(figure: Figure, title: str, caption: str, bottom: float = 0.06, height: float = 0.92) -> Figure:
    """Return the figure (made with `layout="constrained"`) with a title above the panels and a caption below.

    bottom, height: the position of the panels, as shares of the figure's height.
    """
    figure.get_layout_engine().set(rect=(0, bottom, 1, height))  # type: ignore[union-attr, call-arg]
    figure.suptitle(title, fontsize=12, x=0.01, ha="left", weight="bold")
    figure.text(0.01, 0.005, caption, fontsize=7.5, color="0.35", va="bottom")
    return figure
