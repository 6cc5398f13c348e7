"""Part 3.1, Figure 10: which share of questions mixed training needs."""

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from experiments.figures import Arms, Between, Claim, Statement, judge
from experiments.figures import question_share_paper as paper
from experiments.figures._shared import accuracy
from experiments.figures._shared.plotting import BLUE, ORANGE, add_title, error_bars, panels
from physics_lm.bootstrap import Estimate

TITLE = "Mixed training: how many of the windows should hold questions?"
COLORS = {"single": ORANGE, "multi5_permute": BLUE}


def table(arms: Arms) -> pd.DataFrame:
    """Return a row per arm and attribute (and their mean): held-out accuracy, interval, baseline, paper."""
    return accuracy.table(arms, paper.values)


def draw(arms: Arms, cells: pd.DataFrame, caption: str) -> Figure:
    """Draw accuracy over the share, ours and the paper's, and what is memorised of questions and biographies."""
    figure, (left, right) = panels(11, 4.6, 2, [1.6, 1])
    for corpus, color in COLORS.items():
        shares = _by_share(accuracy.mean_rows(cells), corpus)
        if len(shares):
            name = corpus.replace("_", "+")
            _plot_accuracy(left, shares, corpus, name, color)
            right.plot(shares.index, shares["train_accuracy"], "o-", color=color, label=f"{name}: trained questions")
            right.plot(shares.index, shares["biography_tokens"], "s--", color=color, label=f"{name}: attribute tokens")
    left.set_ylabel("right answers about people never asked about\nin training, mean of six attributes (%)")
    right.set_ylabel("right in what was trained on (%)")
    for axis in (left, right):
        axis.set_ylim(0, 104)
        axis.set_xlabel("share of windows that hold questions (%)")
        axis.spines[["top", "right"]].set_visible(False)
        axis.legend(fontsize=8, frameon=False, loc="lower left", bbox_to_anchor=(0, 1), ncols=1 if axis is right else 2)
    return add_title(figure, TITLE, caption)


def _by_share(means: pd.DataFrame, corpus: str) -> pd.DataFrame:
    """Return the rows of one corpus, indexed by the share of questions in percent."""
    rows = means[[str(arm).rpartition("_")[0] == corpus for arm in means.index]]
    return rows.set_axis([int(str(arm).rpartition("_")[2]) for arm in rows.index]).sort_index()


def _plot_accuracy(axis: Axes, shares: pd.DataFrame, corpus: str, name: str, color: str) -> None:
    axis.errorbar(shares.index, shares["accuracy"], error_bars(shares), fmt="o-", color=color, capsize=3,
                  label=f"{name}, ours")  # fmt: skip
    axis.plot(paper.SHARES, paper.MEANS[corpus], "D:", color=color, markersize=5, alpha=0.6,
              label=f"{name}, paper (124M)")  # fmt: skip


def _best(arms: Arms) -> Estimate:
    return max((accuracy.mean(name)(arms) for name in BEST), key=lambda estimate: estimate.value)


def _rise(arms: Arms) -> Estimate:
    best = max(BEST, key=lambda name: accuracy.mean(name)(arms).value)
    return accuracy.difference(best, "single_10")(arms)


def _lowest(arms: Arms) -> Estimate:
    names = [name for name in arms if name.startswith("multi5_permute")]
    return min((accuracy.mean(name)(arms) for name in names), key=lambda estimate: estimate.value)


BEST = ("single_60", "single_80")
# Part 3.1, Figure 10
CLAIMS = (
    Statement("A9", "the best of shares 0.6 and 0.8 on single", "87.1", BEST, _best, Between(70)),
    Statement("A9.rise", "rises from share 0.1 (points)", "62.6", ("single_10", *BEST), _rise, Between(30)),
    Statement("A9.broad", "the maximum is broad: 0.8 against 0.6 (points)", "-1.4", BEST,
              accuracy.difference("single_80", "single_60"), Between(-10, 10)),
    Statement("A9.fall", "and share 0.9 falls again, against 0.8 (points)", "-3.9", ("single_80", "single_90"),
              accuracy.difference("single_90", "single_80"), Between(high=0)),
    Statement("A9.flat", "the lowest share on multi5+permute", "93.9 (of 20% and 80%: 95.2)",
              ("multi5_permute_20", "multi5_permute_80"), _lowest, Between(85)),
)  # fmt: skip


def claims(arms: Arms, shows: bool, scale: str) -> list[Claim]:
    """Return claim A9, judged by the rows."""
    return judge(CLAIMS, arms, shows, scale)
