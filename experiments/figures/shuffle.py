"""A negative control: the five biographies of a person side by side in one window, against a global shuffle."""

import pandas as pd
from matplotlib.figure import Figure

from experiments.figures import Arms, Between, Claim, Statement, judge
from experiments.figures import shuffle_paper as paper
from experiments.figures._shared import accuracy
from experiments.figures._shared.plotting import BLUE, ORANGE, add_title, panels

TITLE = "The same entries, another order: entries of a person side by side teach nothing that can be asked for"


def table(arms: Arms) -> pd.DataFrame:
    """Return a row per arm and attribute (and their mean): held-out accuracy, interval, baseline, replication."""
    return accuracy.table(arms, paper.values)


def label(arm: str) -> str:
    """Return an arm's label: corpus and order."""
    corpus = "multi5+permute+fullname" if arm.startswith("fullname") else "multi5+permute"
    return f"{corpus},\n{'side by side' if arm.endswith('adjacent') else 'shuffled'}"


def draw(arms: Arms, cells: pd.DataFrame, caption: str) -> Figure:
    """Draw held-out accuracy beside the attribute tokens memorised from the biographies."""
    names, labels = list(arms), [label(arm) for arm in arms]
    means, colors = accuracy.mean_rows(cells).loc[names], [ORANGE if arm.endswith("adjacent") else BLUE for arm in arms]
    figure, (left, right) = panels(11, 1.9 + 0.62 * len(names), 2, [3, 1])
    accuracy.bars(left, means, labels, colors, "a replication (124M, 100,000 people, full names)")
    accuracy.token_bars(right, means, colors)
    return add_title(figure, TITLE, caption)


# a public replication of Part 3.1; see shuffle_paper
CLAIMS = (
    accuracy.difference_statement("F1", "entries side by side cost extraction (points)", "90", "shuffled", "adjacent",
                                  Between(50)),
    accuracy.difference_statement("F1.fullname", "with full names too, as in the replication (points)", "90",
                                  "fullname_shuffled", "fullname_adjacent", Between(50)),
    Statement("F1.bio", "while the entries side by side are known by heart", "not given", ("adjacent",),
              accuracy.tokens("adjacent"), Between(98)),
    accuracy.mean_statement("F1.good", "shuffled entries are extracted", "97", "shuffled", Between(80)),
)  # fmt: skip


def claims(arms: Arms, shows: bool, scale: str) -> list[Claim]:
    """Return claim F1, judged by the rows."""
    return judge(CLAIMS, arms, shows, scale)
