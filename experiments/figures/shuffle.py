"""The negative control: the five entries of a person side by side in one window, against a global shuffle."""

import pandas as pd
from matplotlib.figure import Figure

from experiments.figures import Arms, Between, Claim, Statement, judge
from experiments.figures import shuffle_paper as paper
from experiments.figures._shared.accuracy import BLUE, ORANGE, bars, cells, mean, means, memory, minus, tokens
from experiments.figures._shared.plotting import panels, titled

TITLE = "The same entries, another order: entries of a person side by side teach nothing that can be asked for"


def table(arms: Arms) -> pd.DataFrame:
    """Return a row per arm and attribute (and their mean): held-out accuracy, interval, baseline, replication."""
    return cells(arms, paper.values)


def label(arm: str) -> str:
    """Return an arm's name as a reader would say it."""
    corpus = "multi5+permute+fullname" if arm.startswith("fullname") else "multi5+permute"
    return f"{corpus},\n{'side by side' if arm.endswith('adjacent') else 'shuffled'}"


def draw(arms: Arms, found: pd.DataFrame, caption: str) -> Figure:
    """Draw held-out accuracy beside what is remembered of the entries."""
    names = list(arms)
    chosen, colors = means(found).loc[names], [ORANGE if name.endswith("adjacent") else BLUE for name in names]
    figure, (left, right) = panels(11, 1.9 + 0.62 * len(names), 2, [3, 1])
    bars(left, chosen, [label(name) for name in names], colors, "a replication (124M, 100,000 people, full names)")
    memory(right, chosen, colors)
    return titled(figure, TITLE, caption)


# facts F1
CLAIMS = (
    Statement(
        "F1", "entries side by side cost extraction (points)", "90", ("shuffled", "adjacent"),
        minus("shuffled", "adjacent"), Between(50),
    ),
    Statement(
        "F1.fullname", "with full names too, as in the replication (points)", "90",
        ("fullname_shuffled", "fullname_adjacent"), minus("fullname_shuffled", "fullname_adjacent"), Between(50),
    ),
    Statement("F1.bio", "while the entries side by side are known by heart", "not given", ("adjacent",),
              tokens("adjacent"), Between(98)),
    Statement("F1.good", "shuffled entries are extracted", "97", ("shuffled",), mean("shuffled"), Between(80)),
)  # fmt: skip


def claims(arms: Arms, shows: bool, scale: str) -> list[Claim]:
    """Hold claim F1 against the rows."""
    return judge(CLAIMS, arms, shows, scale)
