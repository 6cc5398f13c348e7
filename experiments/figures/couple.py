"""Part 3.1, Figures 6 and 15: an attribute that always follows its partner can be probed only after the partner."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from data_gen.people.attributes import NAMES
from experiments.figures import Arms, Between, Claim, Measure, Statement, judge
from experiments.figures import couple_paper as paper
from experiments.figures._shared.linear_probes import FIRST, cell_columns, held_out_rows
from experiments.figures._shared.plotting import BLUE, ORANGE, add_title, error_bars, panels
from physics_lm import results

TITLE = "Keyed on the neighbour: an attribute that is always told after another is known only once that one is read"
BEFORE, AFTER = "before", "after"
CLOSE = 7  # points between a bar's end and the paper's mark within which the mark would cover the bar's number
TARGETS = NAMES[1::2]  # the second attribute of each couple; its partner is the attribute before it


def rows_when(rows: pd.DataFrame, attribute: str, when: str) -> pd.DataFrame:
    """Return the rows of one attribute at the positions before its partner's value was read, or after.

    A couple stays together, so the only position after the partner is the one where the attribute itself comes next.
    """
    rows = pd.concat([held_out_rows(rows, FIRST, attribute, position) for position in range(len(NAMES))])
    distance = rows["own"] - rows["position"]
    return rows[distance == 0 if when == AFTER else distance > 0]


def table(arms: Arms) -> pd.DataFrame:
    """Return a row per arm, attribute and moment; columns of `linear_probes.cell_columns`, and paper."""
    lines = []
    for arm, rows in arms.items():
        for name in TARGETS:
            for when in (BEFORE, AFTER):
                key = {"arm": arm, "attribute": name, "partner": NAMES[NAMES.index(name) - 1], "partner_read": when}
                columns = cell_columns(rows_when(rows, name, when))
                lines.append({**key, **columns, "paper": paper.value(arm, name, when)})
    return pd.DataFrame(lines)


def draw(arms: Arms, cells: pd.DataFrame, caption: str) -> Figure:
    """Draw a panel per attribute: every arm before and after the partner, with the paper's values."""
    figure, axes = panels(11, 2.2 + 0.8 * len(arms), len(TARGETS))
    for axis, name in zip(axes, TARGETS, strict=True):
        _panel(axis, cells[cells["attribute"] == name], list(arms), axis is axes[0])
    handles, labels = axes[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="upper left", bbox_to_anchor=(0.005, 0.93), ncols=4, fontsize=8, frameon=False)
    return add_title(figure, TITLE, caption, 0.08, 0.76)


def _panel(axis: Axes, cells: pd.DataFrame, names: list[str], first: bool) -> None:
    place = np.arange(len(names))[::-1]
    for when, color, shift in ((BEFORE, BLUE, 0.2), (AFTER, ORANGE, -0.2)):
        rows = cells[cells["partner_read"] == when].set_index("arm").loc[names]
        axis.barh(place + shift, rows["accuracy"], xerr=error_bars(rows), height=0.36, color=color, capsize=3,
                  label=f"{when} the partner is read")  # fmt: skip
        axis.scatter(rows["paper"].astype(float), place + shift, marker="D", color="black", s=26, zorder=3,
                     label="the paper" if when == AFTER else None)  # fmt: skip
        numbers = rows[["accuracy", "high", "paper"]].to_numpy(float)
        for y, (accuracy, high, published) in zip(place + shift, numbers, strict=True):
            end = published if abs(published - high) < CLOSE else high
            axis.text(max(end, high) + 2, y, f"{accuracy:.0f}", va="center", fontsize=8)
    axis.axvline(cells["majority"].mean(), color="crimson", lw=1, ls=":", label="always the most frequent class")
    axis.set_yticks(place, names if first else [""] * len(names))
    axis.set_xlim(0, 112)
    axis.set_xlabel("first token known (%)", fontsize=9)
    attribute, partner = (str(cells[column].iloc[0]).replace("_", " ") for column in ("attribute", "partner"))
    axis.set_title(f"{attribute}, after {partner}", fontsize=9)
    axis.spines[["top", "right"]].set_visible(False)


def _accuracy(arm: str, attribute: str, when: str) -> Measure:
    return lambda arms: results.clustered(rows_when(arms[arm], attribute, when))


# Part 3.1, Figures 6 and 15
CLAIMS = tuple(
    Statement(f"A14.{name}.{when}", f"couple1: the {name.replace('_', ' ')} {when} its partner is read",
              f"{paper.value('couple1', name, when):g}", ("couple1",), _accuracy("couple1", name, when),
              Between(high=15) if when == BEFORE else Between(90))
    for name in ("birth_city", "major")
    for when in (BEFORE, AFTER)
)  # fmt: skip


def claims(arms: Arms, shows: bool, scale: str) -> list[Claim]:
    """Return claim A14, judged by the rows."""
    return judge(CLAIMS, arms, shows, scale)
