"""Part 3.1, Figures 8 and 17: people told of once are asked about, beside people told of often, or without them."""

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from experiments.figures import Arms, Between, Claim, Measure, Statement, judge
from experiments.figures import celebrity_paper as paper
from experiments.figures._shared.accuracy import (
    BLUE,
    GREEN,
    ORANGE,
    attributes,
    bars,
    cells,
    mean,
    means,
    minus,
    read,
    train,
)
from experiments.figures._shared.plotting import heat, panels, titled
from physics_lm import results
from physics_lm.bootstrap import Estimate

TITLE = "Celebrities help the minority: people told of once, asked about by a model that learned to answer about others"
COLORS = {"celebrities": ORANGE, "unrelated": GREEN}
GAIN = {"laptop": 8.0}  # points that a scale is asked for; the others are asked for MOST
MOST = 25.0


def table(arms: Arms) -> pd.DataFrame:
    """Return a row per arm and attribute (and their mean): columns of `held_out.cells`, of the minority.

    train_accuracy is of whoever was trained on: the celebrities, or the minority's P_train.
    """
    told = {
        arm: rows[rows.index.isin(results.own(rows).index) | (rows["task"] != "biography")]
        for arm, rows in arms.items()
    }
    return cells(told, paper.values)


def label(arm: str) -> str:
    """Return an arm's name as a reader would say it."""
    corpus, _, beside = arm.rpartition("_")
    if beside not in COLORS:
        return f"{arm.replace('_', '+')},\nnothing beside"
    return f"{corpus.replace('_', '+')},\nbeside {'celebrities' if beside == 'celebrities' else 'unrelated text'}"


def draw(arms: Arms, found: pd.DataFrame, caption: str) -> Figure:
    """Draw a bar per arm beside the attributes, ours and the paper's."""
    names, labels = list(arms), [label(arm) for arm in arms]
    figure, (left, right, far) = panels(13.5, 1.9 + 0.62 * len(names), 3, [1.4, 1, 1])
    colors = [COLORS.get(name.rpartition("_")[2], BLUE) for name in names]
    bars(left, means(found).loc[names], labels, colors)
    _numbers(right, found, names, "accuracy", "ours, by attribute (%)")
    _numbers(far, found, names, "paper", "the paper (%)")
    return titled(figure, TITLE, caption)


def _numbers(axis: Axes, found: pd.DataFrame, names: list[str], value: str, title: str) -> None:
    heat(axis, attributes(found, names, value), title, [""] * len(names))
    axis.tick_params(axis="x", labelsize=6)


def _tokens(arm: str) -> Measure:
    return lambda arms: results.token_accuracy(read(results.own(arms[arm])))


def _worst(arms: Arms) -> Estimate:
    """Return the share of right attribute tokens in the minority's entries, of the arm that knows least."""
    return min((_tokens(arm)(arms) for arm in ALL), key=lambda found: found.value)


PLAIN, BESIDE, CONTROL = ALL = ("single_permute1", "single_permute1_celebrities", "single_permute1_unrelated")


WEAKER = (
    ("single", "fixed order beside celebrities", "-23.6", "58.8"),
    ("single_permute1_fullname", "full names beside celebrities", "-34.1", "48.3"),
)


def statements(scale: str) -> tuple[Statement, ...]:
    """Return facts A16 and A17; the gain that is asked for depends on the scale."""
    gain = GAIN.get(scale, MOST)
    once = "told of once in shuffled order"
    return (
        Statement("A16.without", f"people {once}, nothing beside", "4.4", (PLAIN,), mean(PLAIN), Between(high=15)),
        Statement("A16.gain", "beside celebrities they are answered about more often (points)", "82.4",
                  (BESIDE, PLAIN), minus(BESIDE, PLAIN), Between(gain)),
        Statement("A16", "beside celebrities", "86.8", (BESIDE,), mean(BESIDE), Between(50)),
        Statement("A16.control", "as much unrelated text gives no such gain (points)", "-2.7 (bioR)",
                  (CONTROL, PLAIN), minus(CONTROL, PLAIN), Between(high=3)),
        Statement("A16.bio", "all the while the minority's attribute tokens are known", "not given", ALL, _worst,
                  Between(98)),
        Statement("A16.train", "and the celebrities' questions are answered", "not given", (BESIDE,), train(BESIDE),
                  Between(95)),
        *(
            Statement(f"A17.{name}.gain", f"{words}: above shuffled order with nothing beside (points)", number,
                      (f"{name}_celebrities", PLAIN), minus(f"{name}_celebrities", PLAIN), Between(0))
            for name, words, _, number in WEAKER
        ),
        *(
            Statement(f"A17.{name}", f"{words}: below shuffled order (points)", number, (f"{name}_celebrities", BESIDE),
                      minus(f"{name}_celebrities", BESIDE), Between(high=0))
            for name, words, number, _ in WEAKER
        ),
    )  # fmt: skip


def claims(arms: Arms, shows: bool, scale: str) -> list[Claim]:
    """Hold claims A16 and A17 against the rows."""
    return judge(statements(scale), arms, shows, scale)
