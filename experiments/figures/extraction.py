"""Part 3.1, Figures 1 to 3: held-out question answering by augmentation, beside the paper's."""

import matplotlib.pyplot as plt
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from experiments.figures import Arms, Between, Claim, Statement, judge, missing_arms_reason, smoke_reason
from experiments.figures import extraction_paper as paper
from experiments.figures._shared import accuracy
from experiments.figures._shared.accuracy import difference_statement, mean_statement
from experiments.figures._shared.plotting import BLUE, ORANGE, add_title, heat_map
from physics_lm import results
from physics_lm.bootstrap import Estimate

TITLE = "Who can be asked about: held-out question answering after reading each person in different ways"


def table(arms: Arms) -> pd.DataFrame:
    """Return a row per arm and attribute (and their mean): held-out accuracy, interval, baseline, paper."""
    return accuracy.table(arms, paper.values)


def draw(arms: Arms, cells: pd.DataFrame, caption: str) -> Figure:
    """Draw bars with intervals and the paper's values, above heat maps of ours and the paper's."""
    names, labels = list(arms), [label(arm) for arm in arms]
    figure, (top, left, right) = _panels(0.34 * len(names))
    colors = [ORANGE if arm.endswith("_mixed") else BLUE for arm in names]
    accuracy.bars(top, accuracy.mean_rows(cells).loc[names], labels, colors)
    heat_map(left, accuracy.by_attribute(cells, names), "ours, by attribute (%)", labels)
    heat_map(right, accuracy.by_attribute(cells, names, "paper"), "the paper (%)", [""] * len(names))
    return add_title(figure, TITLE, caption)


def _panels(height: float) -> tuple[Figure, tuple[Axes, Axes, Axes]]:
    figure = plt.figure(figsize=(11, 3.4 + 2 * height), layout="constrained")
    grid = figure.add_gridspec(2, 2, height_ratios=[1.15, 1])
    return figure, (figure.add_subplot(grid[0, :]), figure.add_subplot(grid[1, 0]), figure.add_subplot(grid[1, 1]))


def label(arm: str) -> str:
    """Return an arm's name as the paper writes it."""
    method = ", mixed training" if arm.endswith("_mixed") else ""
    return arm.removesuffix("_mixed").replace("_", "+") + method


def _date_ratio(arms: Arms) -> Estimate:
    return results.ratio(accuracy.questions(arms["multi5"]), "birth_date")


def _smallest_order_gain(arms: Arms) -> Estimate:
    """Return the smallest gain from one order of the same sentences to two, and from two to five, in points."""
    steps = zip(ORDERS[1:], ORDERS[:-1], strict=True)
    return min((accuracy.difference(more, fewer)(arms) for more, fewer in steps), key=lambda estimate: estimate.value)


ORDERS = ("single_permute1", "single_permute2", "single_permute5")
# Part 3.1, Figures 1 to 3
CLAIMS = (
    mean_statement("A1", "mixed training generalises", "86.6", "single_mixed", Between(70)),
    difference_statement("A1.gap", "mixed training on single beats fine-tuning on it (points)", "76.9", "single_mixed",
                         "single", Between(50)),
    mean_statement("A2", "memorised but not extractable", "9.7 (full 7.5)", "single", Between(high=15)),
    Statement("A2.bio", "while its biographies' attribute tokens are known", ">99", ("single",),
              accuracy.tokens("single"), Between(98)),
    Statement("A2.train", "and the trained questions answered", "99.0", ("single",), accuracy.train("single"),
              Between(95)),
    mean_statement("A4.1", "permute1", "4.4", "single_permute1", Between(high=12)),
    mean_statement("A4.2", "permute2", "53.2", "single_permute2", Between(30, 70)),
    mean_statement("A4.5", "permute5", "70.0", "single_permute5", Between(55, 90)),
    Statement("A4.order", "more orders, more extracted (smallest gain, points)", "16.8", ORDERS, _smallest_order_gain,
              Between(0)),
    mean_statement("A5", "multiplicity alone", "41.0", "multi5", Between(25, 60)),
    mean_statement("A5.2", "two wordings alone", "41.1", "multi2", Between(25, 60)),
    Statement("A5.date", "of which the birth date", "100", ("multi5",), accuracy.attribute("multi5", "birth_date"),
              Between(90)),
    Statement("A5.ratio", "the birth date against the mean of the others (ratio)", "3.4", ("multi5",), _date_ratio,
              Between(3)),
    mean_statement("A6", "several wordings and orders", "96.6", "multi5_permute", Between(85)),
    mean_statement("A6.2", "two wordings and orders", "91.2", "multi2_permute", Between(75)),
    difference_statement("A6.more", "five wordings and orders above two (points)", "5.4", "multi5_permute",
                         "multi2_permute", Between(0)),
    difference_statement("A6.order", "multi5+permute above multi5 (points)", "55.6", "multi5_permute", "multi5",
                         Between(0)),
    difference_statement("A5.order", "multi5 above single (points)", "31.3", "multi5", "single", Between(0)),
    mean_statement("A7.1", "full names, single", "48.9", "single_fullname", Between(30, 65)),
    mean_statement("A7.5", "full names, multi5", "82.4", "multi5_fullname", Between(70)),
    Statement("A7.city", "company city stays low in fixed order", "26.8", ("multi5_fullname",),
              accuracy.attribute("multi5_fullname", "company_city"), Between(high=45)),
    difference_statement(
        "A8.closes", "what mixed training gains on single is gone on multi5+permute (mixed above fine-tuned, points)",
        "-1.1", "multi5_permute_mixed", "multi5_permute", Between(high=10)),
)  # fmt: skip


def claims(arms: Arms, shows: bool, scale: str) -> list[Claim]:
    """Return claims A1 to A8, judged by the rows or with the reason why not."""
    return [*judge(CLAIMS, arms, shows, scale), _scale_claim(), _weakest_mixed(arms, shows, scale)]


def _scale_claim() -> Claim:
    reason = "needs several model sizes and exposure counts: another figure's arms"
    return Between(high=15).unjudged("A3", "scale does not help single", "4.4 to 7.8", reason)


def _weakest_mixed(arms: Arms, shows: bool, scale: str) -> Claim:
    words, accept = ("A8", "the weakest mixed arm", "82.5"), Between(70)
    mixed = [arm for arm in arms if arm.endswith("_mixed")]
    if not shows:
        return accept.unjudged(*words, smoke_reason(scale))
    if len(mixed) < len(paper.MIXED):
        return accept.unjudged(*words, missing_arms_reason(f"of all 16 sets by mixed training ({len(mixed)} are here)"))
    return accept.judge(*words, min((accuracy.mean(arm)(arms) for arm in mixed), key=lambda estimate: estimate.value))
