"""Part 3.1, Figures 1 to 3: held-out question answering by augmentation, beside the paper's."""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from data_gen.attributes import NAMES
from experiments.figures import Arms, Between, Claim, Measure, Statement, judge, only_runs
from experiments.figures import extraction_paper as paper
from physics_lm import results
from physics_lm.results import Estimate

TITLE = "Who can be asked about: held-out question answering after reading each person in different ways"


def asked(rows: pd.DataFrame, split: str = "test") -> pd.DataFrame:
    """Return the extraction questions of one split."""
    return rows[(rows["task"] == "extraction") & (rows["split"] == split)]


def read(rows: pd.DataFrame) -> pd.DataFrame:
    """Return the values read back from biographies."""
    return rows[rows["task"] == "biography"]


def table(arms: Arms) -> pd.DataFrame:
    """Return a row per arm and attribute (and their mean): held-out accuracy, interval, baseline, paper."""
    lines = []
    for arm, rows in arms.items():
        test, published = asked(rows), paper.values(arm)
        parts = [("mean", test)] + [(name, test[test["attribute"] == name]) for name in NAMES]
        for number, (name, part) in enumerate(parts):
            estimate = results.wilson(part["correct"]) if _one_cell(name, part) else results.clustered(part)
            lines.append(
                {
                    "arm": arm,
                    "attribute": name,
                    "accuracy": round(estimate.value, 2),
                    "low": round(float(estimate.low), 2),
                    "high": round(float(estimate.high), 2),
                    "questions": len(part),
                    "majority": round(results.majority(part), 2),
                    "train_accuracy": round(results.clustered(_same(asked(rows, "train"), name)).value, 2),
                    "biography_tokens": round(results.token_accuracy(_same(read(rows), name)).value, 2),
                    "paper": published[number] if number < len(published) else None,
                }
            )
    return pd.DataFrame(lines)


def _one_cell(name: str, part: pd.DataFrame) -> bool:
    return name != "mean" and part["seed"].nunique() == 1


def _same(rows: pd.DataFrame, name: str) -> pd.DataFrame:
    return rows if name == "mean" else rows[rows["attribute"] == name]


def draw(arms: Arms, cells: pd.DataFrame, caption: str) -> Figure:
    """Draw bars with intervals and the paper's values, above heat maps of ours and the paper's."""
    names = list(arms)
    height = 0.34 * len(names)
    figure, (top, left, right) = _panels(len(names), height)
    _bars(top, cells[cells["attribute"] == "mean"].set_index("arm").loc[names])
    ours = cells[cells["attribute"] != "mean"].pivot(index="arm", columns="attribute", values="accuracy")
    theirs = cells[cells["attribute"] != "mean"].pivot(index="arm", columns="attribute", values="paper")
    _heat(left, ours.loc[names, list(NAMES)], "ours, by attribute (%)", labels=True)
    _heat(right, theirs.loc[names, list(NAMES)], "the paper (%)", labels=False)
    figure.suptitle(TITLE, fontsize=12, x=0.01, ha="left", weight="bold")
    figure.text(0.01, 0.005, caption, fontsize=7.5, color="0.35", va="bottom")
    return figure


def _panels(count: int, height: float) -> tuple[Figure, tuple[Axes, Axes, Axes]]:
    figure = plt.figure(figsize=(11, 3.4 + 2 * height), layout="constrained")
    figure.get_layout_engine().set(rect=(0, 0.06, 1, 0.92))  # type: ignore[union-attr, call-arg]
    grid = figure.add_gridspec(2, 2, height_ratios=[1.15, 1])
    return figure, (
        figure.add_subplot(grid[0, :]),
        figure.add_subplot(grid[1, 0]),
        figure.add_subplot(grid[1, 1]),
    )


def label(arm: str) -> str:
    """Return an arm's name as the paper writes it."""
    method = ", mixed training" if arm.endswith("_mixed") else ""
    return arm.removesuffix("_mixed").replace("_", "+") + method


def _bars(axis: Axes, means: pd.DataFrame) -> None:
    place = np.arange(len(means))[::-1]
    colors = ["#c97b2a" if arm.endswith("_mixed") else "#3b6fa5" for arm in means.index]
    error = [means["accuracy"] - means["low"], means["high"] - means["accuracy"]]
    axis.barh(place, means["accuracy"], xerr=error, color=colors, height=0.62, capsize=3, label="ours, 95% interval")
    axis.scatter(means["paper"], place, marker="D", color="black", s=34, zorder=3, label="paper (124M, 100,000 people)")
    axis.scatter(
        means["majority"], place, marker="|", color="crimson", s=220, zorder=3, label="always the most frequent answer"
    )
    for y, (_, row) in zip(place, means.iterrows(), strict=True):
        near = 0 <= row["paper"] - row["high"] < 9  # the number stands clear of the paper's mark
        axis.text((row["paper"] if near else row["high"]) + 1.2, y, f"{row['accuracy']:.1f}", va="center", fontsize=9)
    axis.set_yticks(place, [label(str(arm)) for arm in means.index])
    axis.set_xlim(0, 106)
    axis.set_xlabel("right answers about people never asked about in training, mean of six attributes (%)")
    axis.legend(loc="lower left", bbox_to_anchor=(0, 1), ncols=3, fontsize=8, frameon=False, borderaxespad=0)
    axis.spines[["top", "right"]].set_visible(False)


def _heat(axis: Axes, values: pd.DataFrame, title: str, labels: bool) -> None:
    grid = values.to_numpy(float)
    axis.imshow(grid, vmin=0, vmax=100, cmap="YlGnBu", aspect="auto")
    for (y, x), value in np.ndenumerate(grid):
        text = "n/a" if np.isnan(value) else f"{value:.0f}"
        axis.text(x, y, text, ha="center", va="center", fontsize=8, color="white" if value > 60 else "black")
    axis.set_xticks(range(values.shape[1]), [str(c).replace("_", "\n") for c in values.columns], fontsize=8)
    axis.set_yticks(range(len(values)), [label(str(arm)) if labels else "" for arm in values.index], fontsize=8)
    axis.set_title(title, fontsize=9)


def _mean(arm: str) -> Measure:
    return lambda arms: results.clustered(asked(arms[arm]))


def _minus(first: str, second: str) -> Measure:
    return lambda arms: results.contrast(asked(arms[first]), asked(arms[second]))


def _attribute(arm: str, name: str) -> Measure:
    return lambda arms: results.wilson(_same(asked(arms[arm]), name)["correct"])


def _tokens(arm: str) -> Measure:
    return lambda arms: results.token_accuracy(read(arms[arm]))


def _train(arm: str) -> Measure:
    return lambda arms: results.clustered(asked(arms[arm], "train"))


def _date_ratio(arms: Arms) -> Estimate:
    test = asked(arms["multi5"])
    return results.ratio(test, "birth_date")


# facts A1 to A8
CLAIMS = (
    Statement("A1", "mixed training generalises", "86.6", ("single_mixed",), _mean("single_mixed"), Between(70)),
    Statement(
        "A1.gap",
        "mixed training on single beats fine-tuning on it (points)",
        "76.9",
        ("single_mixed", "single"),
        _minus("single_mixed", "single"),
        Between(50),
    ),
    Statement("A2", "memorised but not extractable", "9.7 (full 7.5)", ("single",), _mean("single"), Between(high=15)),
    Statement(
        "A2.bio",
        "while its biographies' attribute tokens are known",
        ">99",
        ("single",),
        _tokens("single"),
        Between(98),
    ),
    Statement("A2.train", "and the trained questions answered", "99.0", ("single",), _train("single"), Between(95)),
    Statement("A4.1", "permute1", "4.4", ("single_permute1",), _mean("single_permute1"), Between(high=12)),
    Statement("A4.2", "permute2", "53.2", ("single_permute2",), _mean("single_permute2"), Between(30, 70)),
    Statement("A4.5", "permute5", "70.0", ("single_permute5",), _mean("single_permute5"), Between(55, 90)),
    Statement("A5", "multiplicity alone", "41.0", ("multi5",), _mean("multi5"), Between(25, 60)),
    Statement(
        "A5.date", "of which the birth date", "100", ("multi5",), _attribute("multi5", "birth_date"), Between(90)
    ),
    Statement(
        "A5.ratio", "the birth date against the mean of the others (ratio)", "3.4", ("multi5",), _date_ratio, Between(3)
    ),
    Statement("A6", "several wordings and orders", "96.6", ("multi5_permute",), _mean("multi5_permute"), Between(85)),
    Statement("A6.2", "two wordings and orders", "91.2", ("multi2_permute",), _mean("multi2_permute"), Between(75)),
    Statement(
        "A6.order",
        "multi5+permute above multi5 (points)",
        "55.6",
        ("multi5_permute", "multi5"),
        _minus("multi5_permute", "multi5"),
        Between(0),
    ),
    Statement(
        "A5.order", "multi5 above single (points)", "31.3", ("multi5", "single"), _minus("multi5", "single"), Between(0)
    ),
    Statement("A7.1", "full names, single", "48.9", ("single_fullname",), _mean("single_fullname"), Between(30, 65)),
    Statement("A7.5", "full names, multi5", "82.4", ("multi5_fullname",), _mean("multi5_fullname"), Between(70)),
    Statement(
        "A7.city",
        "company city stays low in fixed order",
        "26.8",
        ("multi5_fullname",),
        _attribute("multi5_fullname", "company_city"),
        Between(high=45),
    ),
)


def claims(arms: Arms, shows: bool, scale: str) -> list[Claim]:
    """Hold every claim A1 to A8 against the rows; those that cannot be carried say why."""
    return [*judge(CLAIMS, arms, shows, scale), _scale_claim(), _weakest_mixed(arms, shows, scale)]


def _scale_claim() -> Claim:
    reason = "needs several model sizes and exposure counts: another figure's arms"
    return Between(high=15).not_carried("A3", "scale does not help single", "4.4 to 7.8", reason)


def _weakest_mixed(arms: Arms, shows: bool, scale: str) -> Claim:
    words = ("A8", "the weakest mixed arm", "82.5")
    mixed = [arm for arm in arms if arm.endswith("_mixed")]
    if not shows:
        return Between(70).not_carried(*words, only_runs(scale))
    if len(mixed) < len(paper.MIXED):
        return Between(70).not_carried(*words, f"needs all 16 mixed arms, {len(mixed)} are here: figure.arms=all")
    means = [results.clustered(asked(arms[arm])) for arm in mixed]
    return Between(70).judge(*words, min(means, key=lambda e: e.value))
