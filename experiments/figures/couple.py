"""Part 3.1, Figures 6 and 15: a fact that can be read only once its neighbour has been read."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from data_gen.people.attributes import NAMES
from experiments.figures import Arms, Between, Claim, Measure, Statement, judge
from experiments.figures import couple_paper as paper
from experiments.figures._shared.accuracy import BLUE, ORANGE
from experiments.figures._shared.linear_probes import FIRST, held, measured
from experiments.figures._shared.plotting import panels, titled
from physics_lm import results

TITLE = "Keyed on the neighbour: an attribute that is always told after another is known only once that one is read"
BEFORE, AFTER = "before", "after"
CLOSE = 7  # points between a bar's end and the paper's mark, which would stand on the bar's number
TARGETS = NAMES[1::2]  # what a couple tells second; its partner is the attribute before it


def cell(rows: pd.DataFrame, attribute: str, when: str) -> pd.DataFrame:
    """Return the rows of one attribute at the places before its partner's value was read, or after.

    A couple stays together, so that the one place after the partner is where the attribute itself comes next.
    """
    found = pd.concat([held(rows, FIRST, attribute, place) for place in range(len(NAMES))])
    ahead = found["own"] - found["position"]
    return found[ahead == 0 if when == AFTER else ahead > 0]


def table(arms: Arms) -> pd.DataFrame:
    """Return a row per arm, attribute and moment; columns of `linear_probes.measured`, and paper."""
    lines = []
    for arm, rows in arms.items():
        for name in TARGETS:
            for when in (BEFORE, AFTER):
                named = {"arm": arm, "attribute": name, "partner": NAMES[NAMES.index(name) - 1], "partner_read": when}
                lines.append({**named, **measured(cell(rows, name, when)), "paper": paper.value(arm, name, when)})
    return pd.DataFrame(lines)


def draw(arms: Arms, found: pd.DataFrame, caption: str) -> Figure:
    """Draw a panel per attribute: every arm before and after the partner, with the paper's values."""
    figure, axes = panels(11, 2.2 + 0.8 * len(arms), len(TARGETS))
    for axis, name in zip(axes, TARGETS, strict=True):
        _panel(axis, found[found["attribute"] == name], list(arms), axis is axes[0])
    handles, labels = axes[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="upper left", bbox_to_anchor=(0.005, 0.93), ncols=4, fontsize=8, frameon=False)
    return titled(figure, TITLE, caption, 0.08, 0.76)


def _panel(axis: Axes, part: pd.DataFrame, names: list[str], first: bool) -> None:
    place = np.arange(len(names))[::-1]
    for when, color, shift in ((BEFORE, BLUE, 0.2), (AFTER, ORANGE, -0.2)):
        chosen = part[part["partner_read"] == when].set_index("arm").loc[names]
        error = [chosen["accuracy"] - chosen["low"], chosen["high"] - chosen["accuracy"]]
        axis.barh(place + shift, chosen["accuracy"], xerr=error, height=0.36, color=color, capsize=3,
                  label=f"{when} the partner is read")  # fmt: skip
        axis.scatter(chosen["paper"].astype(float), place + shift, marker="D", color="black", s=26, zorder=3,
                     label="the paper" if when == AFTER else None)  # fmt: skip
        for y, (accuracy, high, told) in zip(
            place + shift, chosen[["accuracy", "high", "paper"]].to_numpy(float), strict=True
        ):
            after = told if abs(told - high) < CLOSE else high
            axis.text(max(after, high) + 2, y, f"{accuracy:.0f}", va="center", fontsize=8)
    axis.axvline(part["majority"].mean(), color="crimson", lw=1, ls=":", label="always the most frequent class")
    axis.set_yticks(place, names if first else [""] * len(names))
    axis.set_xlim(0, 112)
    axis.set_xlabel("first token known (%)", fontsize=9)
    partner = str(part["partner"].iloc[0]).replace("_", " ")
    axis.set_title(f"{str(part['attribute'].iloc[0]).replace('_', ' ')}, after {partner}", fontsize=9)
    axis.spines[["top", "right"]].set_visible(False)


def _known(arm: str, attribute: str, when: str) -> Measure:
    return lambda arms: results.clustered(cell(arms[arm], attribute, when))


# fact A14
CLAIMS = tuple(
    Statement(f"A14.{name}.{when}", f"couple1: the {name.replace('_', ' ')} {when} its partner is read",
              f"{paper.value('couple1', name, when):g}", ("couple1",), _known("couple1", name, when),
              Between(high=15) if when == BEFORE else Between(90))
    for name in ("birth_city", "major")
    for when in (BEFORE, AFTER)
)  # fmt: skip


def claims(arms: Arms, shows: bool, scale: str) -> list[Claim]:
    """Hold claim A14 against the rows."""
    return judge(CLAIMS, arms, shows, scale)
