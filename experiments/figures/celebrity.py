"""Part 3.1, Figures 8 and 17: celebrities with many biographies help questions about people with a single one."""

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from experiments.figures import Arms, Between, Claim, Statement, judge
from experiments.figures import celebrity_paper as paper
from experiments.figures._shared import accuracy
from experiments.figures._shared.plotting import BLUE, GREEN, ORANGE, add_title, heat_map, panels
from physics_lm import results
from physics_lm.bootstrap import Estimate

TITLE = "Celebrities help the minority: people told of once, asked about by a model that learned to answer about others"
COLORS = {"celebrities": ORANGE, "unrelated": GREEN}
REQUIRED_GAIN = {"laptop": 8.0, "otherwise": 25.0}  # points by scale


def table(arms: Arms) -> pd.DataFrame:
    """Return a row per arm and attribute (and their mean) with the columns of `accuracy.table`, for the minority.

    train_accuracy is of the people whose questions were trained on: the celebrities, or the minority's P_train.
    """
    minority = {
        arm: rows[rows.index.isin(results.own(rows).index) | (rows["task"] != "biography")]
        for arm, rows in arms.items()
    }
    return accuracy.table(minority, paper.values)


def label(arm: str) -> str:
    """Return an arm's label: the minority's corpus and the auxiliary entries."""
    corpus, _, beside = arm.rpartition("_")
    if beside not in COLORS:
        return f"{arm.replace('_', '+')},\nnothing beside"
    return f"{corpus.replace('_', '+')},\nbeside {'celebrities' if beside == 'celebrities' else 'unrelated text'}"


def draw(arms: Arms, cells: pd.DataFrame, caption: str) -> Figure:
    """Draw a bar per arm beside the attributes, ours and the paper's."""
    names, labels = list(arms), [label(arm) for arm in arms]
    figure, (left, middle, right) = panels(13.5, 1.9 + 0.62 * len(names), 3, [1.4, 1, 1])
    colors = [COLORS.get(name.rpartition("_")[2], BLUE) for name in names]
    accuracy.bars(left, accuracy.mean_rows(cells).loc[names], labels, colors)
    _attribute_map(middle, cells, names, "accuracy", "ours, by attribute (%)")
    _attribute_map(right, cells, names, "paper", "the paper (%)")
    return add_title(figure, TITLE, caption)


def _attribute_map(axis: Axes, cells: pd.DataFrame, names: list[str], value: str, title: str) -> None:
    heat_map(axis, accuracy.by_attribute(cells, names, value), title, [""] * len(names))
    axis.tick_params(axis="x", labelsize=6)


def _least_tokens(arms: Arms) -> Estimate:
    """Return the share of right attribute tokens in the minority's entries, lowest over the arms of ALL."""
    estimates = [results.token_accuracy(accuracy.biographies(results.own(arms[arm]))) for arm in ALL]
    return min(estimates, key=lambda estimate: estimate.value)


ALONE, CELEBRITIES, UNRELATED = ALL = ("single_permute1", "single_permute1_celebrities", "single_permute1_unrelated")
# corpora that gain less: name, words, paper's distance from shuffled order with celebrities, and from it alone
WEAKER = (
    ("single", "fixed order beside celebrities", "-23.6", "58.8"),
    ("single_permute1_fullname", "full names beside celebrities", "-34.1", "48.3"),
)


def statements(scale: str) -> tuple[Statement, ...]:
    """Return the claims about Part 3.1, Figures 8 and 17; the required gain depends on the scale."""
    gain, difference = Between(REQUIRED_GAIN.get(scale, REQUIRED_GAIN["otherwise"])), accuracy.difference_statement
    return (
        accuracy.mean_statement("A16.without", "people told of once in shuffled order, nothing beside", "4.4", ALONE,
                                Between(high=15)),
        difference("A16.gain", "beside celebrities they are answered about more often (points)", "82.4", CELEBRITIES,
                   ALONE, gain),
        accuracy.mean_statement("A16", "beside celebrities", "86.8", CELEBRITIES, Between(50)),
        difference("A16.control", "as much unrelated text gives no such gain (points)", "-2.7 (bioR)", UNRELATED, ALONE,
                   Between(high=3)),
        Statement("A16.bio", "all the while the minority's attribute tokens are known", "not given", ALL,
                  _least_tokens, Between(98)),
        Statement("A16.train", "and the celebrities' questions are answered", "not given", (CELEBRITIES,),
                  accuracy.train(CELEBRITIES), Between(95)),
        *(difference(f"A17.{name}.gain", f"{words}: above shuffled order with nothing beside (points)", number,
                     f"{name}_celebrities", ALONE, Between(0)) for name, words, _, number in WEAKER),
        *(difference(f"A17.{name}", f"{words}: below shuffled order (points)", number, f"{name}_celebrities",
                     CELEBRITIES, Between(high=0)) for name, words, number, _ in WEAKER),
    )  # fmt: skip


def claims(arms: Arms, shows: bool, scale: str) -> list[Claim]:
    """Return claims A16 and A17, judged by the rows."""
    return judge(statements(scale), arms, shows, scale)
