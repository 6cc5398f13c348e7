"""Part 3.1, Figure 10: how large a share of questions mixed training needs."""

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from experiments.figures import Arms, Between, Claim, Measure, Statement, judge
from experiments.figures import question_share_paper as paper
from experiments.figures._shared.accuracy import BLUE, ORANGE, cells, mean, means, minus
from experiments.figures._shared.plotting import panels, titled
from physics_lm.bootstrap import Estimate

TITLE = "Mixed training: how many of the windows should hold questions?"
COLORS = {"single": ORANGE, "multi5_permute": BLUE}


def table(arms: Arms) -> pd.DataFrame:
    """Return a row per arm and attribute (and their mean): held-out accuracy, interval, baseline, paper."""
    return cells(arms, paper.values)


def draw(arms: Arms, found: pd.DataFrame, caption: str) -> Figure:
    """Draw accuracy over the share, ours and the paper's, and what is remembered of questions and entries."""
    figure, (left, right) = panels(11, 4.6, 2, [1.6, 1])
    for corpus, color in COLORS.items():
        ours = _line(means(found), corpus)
        if len(ours):
            _accuracy(left, ours, corpus, color)
            name = corpus.replace("_", "+")
            right.plot(ours.index, ours["train_accuracy"], "o-", color=color, label=f"{name}: trained questions")
            right.plot(ours.index, ours["biography_tokens"], "s--", color=color, label=f"{name}: attribute tokens")
    left.set_ylabel("right answers about people never asked about\nin training, mean of six attributes (%)")
    right.set_ylabel("right in what was trained on (%)")
    for axis in (left, right):
        axis.set_ylim(0, 104)
        axis.set_xlabel("share of windows that hold questions (%)")
        axis.spines[["top", "right"]].set_visible(False)
        axis.legend(fontsize=8, frameon=False, loc="lower left", bbox_to_anchor=(0, 1), ncols=1 if axis is right else 2)
    return titled(figure, TITLE, caption)


def _line(found: pd.DataFrame, corpus: str) -> pd.DataFrame:
    chosen = found[[str(arm).rpartition("_")[0] == corpus for arm in found.index]]
    return chosen.set_axis([int(str(arm).rpartition("_")[2]) for arm in chosen.index]).sort_index()


def _accuracy(axis: Axes, ours: pd.DataFrame, corpus: str, color: str) -> None:
    error = [ours["accuracy"] - ours["low"], ours["high"] - ours["accuracy"]]
    name = corpus.replace("_", "+")
    axis.errorbar(ours.index, ours["accuracy"], error, fmt="o-", color=color, capsize=3, label=f"{name}, ours")
    axis.plot(
        paper.SHARES, paper.MEANS[corpus], "D:", color=color, markersize=5, alpha=0.6, label=f"{name}, paper (124M)"
    )


def _best(names: tuple[str, ...]) -> Measure:
    return lambda arms: max((mean(name)(arms) for name in names), key=lambda estimate: estimate.value)


def _rise(arms: Arms) -> Estimate:
    best = max(("single_60", "single_80"), key=lambda name: mean(name)(arms).value)
    return minus(best, "single_10")(arms)


def _lowest(arms: Arms) -> Estimate:
    names = [name for name in arms if name.startswith("multi5_permute")]
    return min((mean(name)(arms) for name in names), key=lambda estimate: estimate.value)


# facts A9
CLAIMS = (
    Statement("A9", "the best of shares 0.6 and 0.8 on single", "87.1", ("single_60", "single_80"),
              _best(("single_60", "single_80")), Between(70)),
    Statement("A9.rise", "rises from share 0.1 (points)", "62.6", ("single_10", "single_60", "single_80"), _rise,
              Between(30)),
    Statement("A9.broad", "the maximum is broad: 0.8 against 0.6 (points)", "-1.4", ("single_60", "single_80"),
              minus("single_80", "single_60"), Between(-10, 10)),
    Statement("A9.fall", "and share 0.9 falls again, against 0.8 (points)", "-3.9", ("single_80", "single_90"),
              minus("single_90", "single_80"), Between(high=0)),
    Statement("A9.flat", "the lowest share on multi5+permute", "93.9 (of 20% and 80%: 95.2)",
              ("multi5_permute_20", "multi5_permute_80"), _lowest, Between(85)),
)  # fmt: skip


def claims(arms: Arms, shows: bool, scale: str) -> list[Claim]:
    """Hold claim A9 against the rows."""
    return judge(CLAIMS, arms, shows, scale)
