"""Part 3.1, Figures 5 and 13: which attributes linear probes can read at which position of a biography."""

from functools import partial

import matplotlib.pyplot as plt
import pandas as pd
from matplotlib.figure import Figure

from data_gen.people.attributes import NAMES
from experiments.figures import Arms, Between, Claim, Statement, judge
from experiments.figures import p_probe_paper as paper
from experiments.figures._shared.linear_probes import FIRST, WELL_ABOVE, cell_columns, excess, held_out_rows
from experiments.figures._shared.plotting import add_title, heat_map
from experiments.figures.extraction import label
from physics_lm import results
from physics_lm.bootstrap import Estimate

TITLE = "Where an attribute is known: linear probes before each value of a biography (first tokens)"


def table(arms: Arms) -> pd.DataFrame:
    """Return a row per arm, task, attribute and position.

    Columns: those of `linear_probes.cell_columns`, own (share of biographies whose value comes next, percent), told
    (the value stands before the position in every biography, so that nothing is left to probe), paper.
    """
    lines = []
    for arm, rows in arms.items():
        keys = rows[["task", "attribute", "position"]].drop_duplicates()
        for task, attribute, position in keys.itertuples(index=False):
            cell = held_out_rows(rows, task, attribute, position)
            lines.append({
                "arm": arm, "task": task, "attribute": attribute, "position": position, **cell_columns(cell),
                "own": round(100 * float((cell["own"] == position).mean()), 1),
                "told": bool((cell["own"] < cell["position"]).all()),
                "paper": paper.value(arm, task, attribute, position),
            })  # fmt: skip
    return pd.DataFrame(lines)


def draw(arms: Arms, cells: pd.DataFrame, caption: str) -> Figure:
    """Draw attribute x position for every arm, above the paper's, with the baselines beside them."""
    size = (3.4 + 3.2 * len(arms), 6.6)
    figure, axes = plt.subplots(2, len(arms), figsize=size, layout="constrained", squeeze=False)
    for column, arm in enumerate(arms):
        rows = cells[(cells["task"] == FIRST) & (cells["arm"] == arm)]
        ours, theirs = [_own_label(rows, name) for name in NAMES], [_paper_label(name) for name in NAMES]
        for row, (value, labels, whose) in enumerate((("accuracy", ours, "ours"), ("paper", theirs, "the paper"))):
            title = f"{_arm_label(arm, whose)} (%)"
            heat_map(axes[row][column], _grid(rows, value), title, [""] * len(NAMES) if column else labels, missing="")
        axes[1][column].set_xlabel("place: before the value told as number ...", fontsize=8)
    note = "In brackets: always the most frequent class; a probe trained on shuffled labels. The paper's: chance."
    return add_title(figure, TITLE, f"{note}\n{caption}", 0.1, 0.87)


def _arm_label(arm: str, whose: str) -> str:
    suffix = ", an update for each task" if arm.endswith(paper.APART) and whose == "ours" else ""
    return f"{label(arm.removesuffix(paper.APART))}{suffix}, {whose}"


def _grid(rows: pd.DataFrame, value: str) -> pd.DataFrame:
    """Return a column as attributes x positions counted from 1, blank where the value was told before."""
    rows = rows.assign(value=rows[value].astype(float).mask(rows["told"]), place=rows["position"] + 1)
    places = range(1, len(NAMES) + 1)
    return rows.pivot(index="attribute", columns="place", values="value").reindex(list(NAMES), columns=places)


def _own_label(rows: pd.DataFrame, name: str) -> str:
    rows = rows[rows["attribute"] == name]
    return f"{name.replace('_', ' ')} ({rows['majority'].mean():.0f}; {rows['shuffled'].mean():.0f})"


def _paper_label(name: str) -> str:
    return f"{name.replace('_', ' ')} ({paper.CHANCE[name]:.0f})"


def _all_attributes(rows: pd.DataFrame, position: int) -> pd.DataFrame:
    """Return the held-out rows of all attributes at a position."""
    return pd.concat([held_out_rows(rows, FIRST, name, position) for name in NAMES])


def _early_excess(arm: str, arms: Arms) -> Estimate:
    """Return the largest excess before an attribute's own position.

    Without company city from the employer's position on, since the employer determines it.
    """
    rows, estimates = arms[arm], []
    employer = int(held_out_rows(rows, FIRST, "employer", 0)["own"].iloc[0])
    for name in NAMES:
        for position in range(len(NAMES)):
            cell = held_out_rows(rows, FIRST, name, position)
            implied = name == "company_city" and position >= employer
            if not implied and (cell["own"] > position).all():
                estimates.append(excess(cell))
    return max(estimates, key=lambda estimate: estimate.value)


def _lowest_at_own_position(arm: str, arms: Arms) -> Estimate:
    """Return the lowest accuracy of an attribute where its value comes next."""
    rows = pd.concat([_all_attributes(arms[arm], position) for position in range(len(NAMES))])
    rows = rows[rows["own"] == rows["position"]]
    estimates = [results.clustered(rows[rows["attribute"] == name]) for name in NAMES]
    return min(estimates, key=lambda estimate: estimate.value)


def _rise(arm: str, arms: Arms) -> Estimate:
    """Return the accuracy at the last position but one minus that at the first, mean of the attributes (points)."""
    return results.contrast(_all_attributes(arms[arm], len(NAMES) - 2), _all_attributes(arms[arm], 0))


def _smallest_excess(arm: str, arms: Arms) -> Estimate:
    """Return the smallest excess of an attribute at position 0."""
    estimates = [excess(held_out_rows(arms[arm], FIRST, name, 0)) for name in NAMES]
    return min(estimates, key=lambda estimate: estimate.value)


def _mean_excess(arm: str, arms: Arms) -> Estimate:
    """Return the mean excess of the attributes at position 0."""
    return excess(_all_attributes(arms[arm], 0))


def _mean_excess_not_next(arm: str, arms: Arms) -> Estimate:
    """Return the mean excess at position 0 in biographies where another value comes next."""
    rows = _all_attributes(arms[arm], 0)
    return excess(rows[rows["own"] != 0])


def _sharing_gain(arms: Arms) -> Estimate:
    """Return the accuracy at position 0 where an attribute's tasks share an update minus one for each (points)."""
    return results.contrast(_all_attributes(arms[MULTI], 0), _all_attributes(arms[APART], 0))


SINGLE, MULTI, PERMUTE = "single", "multi5_permute", "single_permute1"
APART = f"{MULTI}{paper.APART}"
# Part 3.1, Figures 5 and 13
CLAIMS = (
    Statement("A11.off", "single: nothing is known before its own place (largest excess over the majority, points)",
              "3.4 or less", (SINGLE,), partial(_early_excess, SINGLE), Between(high=5), laptop=Between(high=8)),
    Statement("A11.own", "single: the value that comes next is known (lowest attribute)", "99.2", (SINGLE,),
              partial(_lowest_at_own_position, SINGLE), Between(95), laptop=Between(85)),
    Statement("A12", "multi5+permute: everything is known at the first place (smallest excess, points)", "63.0",
              (MULTI,), partial(_smallest_excess, MULTI), WELL_ABOVE, laptop=Between(40)),
    Statement("A12.mean", "multi5+permute: known at the first place (mean excess over the attributes, points)", "88.6",
              (MULTI,), partial(_mean_excess, MULTI), Between(40)),
    Statement("A12.apart", "the same with an embedding update for each task (smallest excess, points)", "63.0",
              (APART,), partial(_smallest_excess, APART), WELL_ABOVE, laptop=Between(40)),
    Statement("A12.apart.mean", "and in the mean over the attributes (points)", "88.6", (APART,),
              partial(_mean_excess, APART), Between(40)),
    Statement("A12.same", "a shared update reads as much as one for each task (difference in the mean, points)",
              "not given", (MULTI, APART), _sharing_gain, Between(-5, 5)),
    Statement("A12.far", "multi5+permute: also what does not come next (mean excess at the first place, points)",
              "above 0", (MULTI,), partial(_mean_excess_not_next, MULTI), Between(0)),
    Statement("A13", "permute1: only what comes next (mean excess of the rest at the first place, points)", "about 0",
              (PERMUTE,), partial(_mean_excess_not_next, PERMUTE), Between(high=8)),
    Statement("A13.rise", "and more is known at every later place: the fifth against the first (points)", "39.7",
              (PERMUTE,), partial(_rise, PERMUTE), Between(0)),
)  # fmt: skip


def claims(arms: Arms, shows: bool, scale: str) -> list[Claim]:
    """Return claims A11 to A13, judged by the rows."""
    return judge(CLAIMS, arms, shows, scale)
