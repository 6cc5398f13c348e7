"""Part 3.1, Figures 5 and 13: which attributes are known at which place of a biography."""

import matplotlib.pyplot as plt
import pandas as pd
from matplotlib.figure import Figure

from data_gen.people.attributes import NAMES
from experiments.figures import Arms, Between, Claim, Statement, judge
from experiments.figures import p_probe_paper as paper
from experiments.figures._shared.linear_probes import FIRST, MOST, excess, held, measured
from experiments.figures._shared.plotting import heat, titled
from experiments.figures.extraction import label
from physics_lm import results
from physics_lm.bootstrap import Estimate

TITLE = "Where an attribute is known: linear probes before each value of a biography (first tokens)"


def over(part: pd.DataFrame) -> bool:
    """Whether the attribute has been told before the place in every entry, so that there is nothing to find."""
    return bool((part["own"] < part["position"]).all())


def table(arms: Arms) -> pd.DataFrame:
    """Return a row per arm, task, attribute and position.

    Columns: those of `linear_probes.measured`, own (share of entries whose value comes next, percent), told (the
    value stands before the place in every entry), paper.
    """
    lines = []
    for arm, rows in arms.items():
        cells = rows[["task", "attribute", "position"]].drop_duplicates().itertuples(index=False)
        for task, attribute, position in cells:
            part = held(rows, task, attribute, position)
            lines.append(
                {
                    **{"arm": arm, "task": task, "attribute": attribute, "position": position},
                    **measured(part),
                    "own": round(100 * float((part["own"] == position).mean()), 1),
                    "told": over(part),
                    "paper": paper.value(arm, task, attribute, position),
                }
            )
    return pd.DataFrame(lines)


def draw(arms: Arms, found: pd.DataFrame, caption: str) -> Figure:
    """Draw attribute x position for every arm, above the paper's, with the baselines beside them."""
    names = list(arms)
    figure, axes = plt.subplots(
        2, len(names), figsize=(3.4 + 3.2 * len(names), 6.6), layout="constrained", squeeze=False
    )
    for column, arm in enumerate(names):
        part = found[(found["task"] == FIRST) & (found["arm"] == arm)]
        ours, theirs = [_tick(part, name) for name in NAMES], [_chance(name) for name in NAMES]
        hidden = [""] * len(NAMES)
        for row, (value, ticks) in enumerate((("accuracy", ours), ("paper", theirs))):
            whose = "the paper" if row else "ours"
            labels = hidden if column else ticks
            heat(axes[row][column], _grid(part, value), f"{_named(arm, whose)} (%)", labels, missing="")
        axes[1][column].set_xlabel("place: before the value told as number ...", fontsize=8)
    note = "In brackets: always the most frequent class; a probe trained on shuffled labels. The paper's: chance."
    return titled(figure, TITLE, f"{note}\n{caption}", 0.1, 0.87)


def _named(arm: str, whose: str) -> str:
    apart = ", an update for each task" if arm.endswith(paper.APART) and whose == "ours" else ""
    return f"{label(arm.removesuffix(paper.APART))}{apart}, {whose}"


def _grid(part: pd.DataFrame, value: str) -> pd.DataFrame:
    """Return a column as attributes x all places counted from 1, without what was told before."""
    shown = part.assign(value=part[value].astype(float).mask(part["told"]), place=part["position"] + 1)
    places = range(1, len(NAMES) + 1)
    return shown.pivot(index="attribute", columns="place", values="value").reindex(list(NAMES), columns=places)


def _tick(part: pd.DataFrame, name: str) -> str:
    own = part[part["attribute"] == name]
    return f"{name.replace('_', ' ')} ({own['majority'].mean():.0f}; {own['shuffled'].mean():.0f})"


def _chance(name: str) -> str:
    return f"{name.replace('_', ' ')} ({paper.CHANCE[name]:.0f})"


def _off(arm: str, arms: Arms) -> Estimate:
    """Return the largest excess before an attribute's own position; company city from the employer's on left out."""
    rows, found = arms[arm], []
    employer = int(held(rows, FIRST, "employer", 0)["own"].iloc[0])
    for name in NAMES:
        for position in range(len(NAMES)):
            part = held(rows, FIRST, name, position)
            known = name == "company_city" and position >= employer
            if not known and (part["own"] > position).all():
                found.append(excess(part))
    return max(found, key=lambda e: e.value)


def _own(arm: str, arms: Arms) -> Estimate:
    """Return the lowest accuracy of an attribute where its value comes next."""
    rows = arms[arm]
    parts = [pd.concat([held(rows, FIRST, name, place) for place in range(len(NAMES))]) for name in NAMES]
    return min((results.clustered(part[part["own"] == part["position"]]) for part in parts), key=lambda e: e.value)


def _rise(arm: str, arms: Arms) -> Estimate:
    """Return how much more is known at the last place but one than at the first, mean of the attributes (points)."""
    return results.contrast(_at(arm, arms, len(NAMES) - 2), _at(arm, arms, 0))


def _start(arm: str, arms: Arms) -> Estimate:
    """Return the smallest excess of an attribute at position 0."""
    return min((excess(held(arms[arm], FIRST, name, 0)) for name in NAMES), key=lambda e: e.value)


def _at(arm: str, arms: Arms, position: int) -> pd.DataFrame:
    """Return the rows of all attributes at a position."""
    return pd.concat([held(arms[arm], FIRST, name, position) for name in NAMES])


def _mean(arm: str, arms: Arms) -> Estimate:
    """Return the mean excess of the attributes at position 0."""
    return excess(_at(arm, arms, 0))


def _not_next(arm: str, arms: Arms) -> Estimate:
    """Return the mean excess at position 0 in entries where another value comes next."""
    rows = _at(arm, arms, 0)
    return excess(rows[rows["own"] != 0])


def _sharing(arms: Arms) -> Estimate:
    """Return how much more is right at position 0 where an attribute's tasks share an update (points)."""
    return results.contrast(_at("multi5_permute", arms, 0), _at(_APART, arms, 0))


_APART = f"multi5_permute{paper.APART}"
# facts A11 to A13
CLAIMS = (
    Statement("A11.off", "single: nothing is known before its own place (largest excess over the majority, points)",
              "3.4 or less", ("single",), lambda arms: _off("single", arms), Between(high=5), laptop=Between(high=8)),
    Statement("A11.own", "single: the value that comes next is known (lowest attribute)", "99.2", ("single",),
              lambda arms: _own("single", arms), Between(95), laptop=Between(85)),
    Statement("A12", "multi5+permute: everything is known at the first place (smallest excess, points)", "63.0",
              ("multi5_permute",), lambda arms: _start("multi5_permute", arms), MOST, laptop=Between(40)),
    Statement("A12.mean", "multi5+permute: known at the first place (mean excess over the attributes, points)", "88.6",
              ("multi5_permute",), lambda arms: _mean("multi5_permute", arms), Between(40)),
    Statement("A12.apart", "the same with an embedding update for each task (smallest excess, points)", "63.0",
              (_APART,), lambda arms: _start(_APART, arms), MOST, laptop=Between(40)),
    Statement("A12.apart.mean", "and in the mean over the attributes (points)", "88.6", (_APART,),
              lambda arms: _mean(_APART, arms), Between(40)),
    Statement("A12.same", "a shared update reads as much as one for each task (difference in the mean, points)",
              "not given", ("multi5_permute", _APART), _sharing, Between(-5, 5)),
    Statement("A12.far", "multi5+permute: also what does not come next (mean excess at the first place, points)",
              "above 0", ("multi5_permute",), lambda arms: _not_next("multi5_permute", arms), Between(0)),
    Statement("A13", "permute1: only what comes next (mean excess of the rest at the first place, points)", "about 0",
              ("single_permute1",), lambda arms: _not_next("single_permute1", arms), Between(high=8)),
    Statement("A13.rise", "and more is known at every later place: the fifth against the first (points)", "39.7",
              ("single_permute1",), lambda arms: _rise("single_permute1", arms), Between(0)),
)  # fmt: skip


def claims(arms: Arms, shows: bool, scale: str) -> list[Claim]:
    """Hold claims A11 to A13 against the rows."""
    return judge(CLAIMS, arms, shows, scale)
