"""Is the right answer at least likelier than others in the other order? (2309.12288, section 2.1.2)."""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from data_gen.facts.fact import DESCRIPTION_FIRST, NAME_FIRST, REVERSE, SAME
from experiments.figures import Arms, Between, Claim, Measure, Statement, judge
from experiments.figures import reversal_logprob_paper as paper
from experiments.figures._shared.plotting import titled
from experiments.figures.reversal import part
from physics_lm import fact_statistics
from physics_lm.bootstrap import Estimate

TITLE = "Asked in the other order: is the right answer any likelier than the others?"
WORDS = {NAME_FIRST: "told name first", DESCRIPTION_FIRST: "told description first"}
LINES = {
    (NAME_FIRST, SAME): ("#3b6fa5", "-"),
    (DESCRIPTION_FIRST, SAME): ("#3b6fa5", "--"),
    (NAME_FIRST, REVERSE): ("#c97b2a", "-"),
    (DESCRIPTION_FIRST, REVERSE): ("#c97b2a", "--"),
}
ORDER = {SAME: "asked so", REVERSE: "asked the other way"}


def table(arms: Arms) -> pd.DataFrame:
    """Return a row per arm, subset and order: effect in standard deviations, tests, mean rank, closed choice."""
    lines = []
    for arm, rows in arms.items():
        for (subset, task), cell in rows.groupby(["attribute", "task"], sort=False):
            found, best = fact_statistics.effect(cell), fact_statistics.accuracy(cell)
            reverse = task == REVERSE
            lines.append(
                {
                    "arm": arm,
                    "subset": subset,
                    "task": task,
                    "effect_sd": round(found.value, 4),
                    "low": round(found.low, 4),
                    "high": round(found.high, 4),
                    "t_test_p": round(fact_statistics.t_test(cell), 5),
                    "ks_p": round(fact_statistics.kolmogorov_smirnov(cell), 5) if reverse else None,
                    "mean_rank": round(float(fact_statistics.by_fact(cell, "rank").mean()), 2),
                    "likeliest": round(best.value, 2),
                    "likeliest_low": round(float(best.low), 2),
                    "likeliest_high": round(float(best.high), 2),
                    "candidates": int(cell["candidates"].max()),
                    "facts": len(fact_statistics.by_fact(cell, "z")),
                    "questions": len(cell),
                    "logprob_right": round(float(cell["gold_logprob"].mean()), 3),
                    "logprob_other": round(float(cell["other_logprob"].mean()), 3) if reverse else None,
                }
            )
    return pd.DataFrame(lines)


def draw(arms: Arms, cells: pd.DataFrame, caption: str) -> Figure:
    """Draw where the right answer ranks among all, the log-probabilities of right and random, and the effects."""
    figure, axes = plt.subplots(1, 3, figsize=(12, 4.4), width_ratios=[1, 1, 0.9], layout="constrained")
    rows = arms["standard"] if "standard" in arms else next(iter(arms.values()))
    _ranks(axes[0], rows)
    _distributions(axes[1], rows)
    _effects(axes[2], cells)
    return titled(figure, TITLE, caption, 0.06, 0.9)


def _steps(axis: Axes, values: pd.Series, colour: str, style: str, label: str) -> None:
    x = np.sort(values.to_numpy())
    axis.plot(
        [x[0], *x], np.arange(len(x) + 1) / len(x), color=colour, ls=style, lw=1.6, label=label, drawstyle="steps-post"
    )


def _ranks(axis: Axes, rows: pd.DataFrame) -> None:
    for (subset, task), (colour, style) in LINES.items():
        cell = part(rows, task, subset)
        if len(cell):
            # a rank of every question: averaged over paraphrases, ranks without information would crowd in the middle
            places = (cell["rank"] - 1) / (cell["candidates"] - 1)
            _steps(axis, places, colour, style, f"{WORDS[subset]}, {ORDER[task]}")
    axis.plot([0, 1], [0, 1], color="0.6", lw=1, ls=":", label="no information")
    axis.set_xlabel("rank of the right answer among all\n(0 the likeliest, 1 the least likely)")
    axis.set_ylabel("share of the questions")
    axis.set_title("where the right answer ranks", fontsize=9, loc="left")
    axis.legend(fontsize=7.5, frameon=False, loc="lower right")
    axis.spines[["top", "right"]].set_visible(False)


def _distributions(axis: Axes, rows: pd.DataFrame) -> None:
    for subset, style in ((NAME_FIRST, "-"), (DESCRIPTION_FIRST, "--")):
        cell = part(rows, REVERSE, subset)
        if len(cell):
            _steps(
                axis, fact_statistics.by_fact(cell, "gold_logprob"), "#c97b2a", style, f"{WORDS[subset]}: right answer"
            )
            _steps(
                axis, fact_statistics.by_fact(cell, "other_logprob"), "0.45", style, f"{WORDS[subset]}: random other"
            )
    axis.set_xlabel("log-probability of an answer,\nasked the other way (nats)")
    axis.set_ylabel("share of the facts")
    axis.set_title("right against random, as in the paper", fontsize=9, loc="left")
    axis.legend(fontsize=7.5, frameon=False, loc="upper left")
    axis.spines[["top", "right"]].set_visible(False)


def _effects(axis: Axes, cells: pd.DataFrame) -> None:
    found = cells[cells["task"] == REVERSE].reset_index(drop=True)
    place = np.arange(len(found))[::-1]
    axis.axvspan(-paper.SMALL, paper.SMALL, color="0.93")
    axis.axvline(0, color="0.6", lw=1)
    error = [found["effect_sd"] - found["low"], found["high"] - found["effect_sd"]]
    axis.errorbar(found["effect_sd"], place, xerr=error, fmt="o", color="#c97b2a", capsize=3)
    several = found["arm"].nunique() > 1
    side = axis.get_yaxis_transform()
    for y, (_, row) in zip(place, found.iterrows(), strict=True):
        name = WORDS[row["subset"]] + (f", {row['arm']}" if several else "")
        tests = f"t-test p {row['t_test_p']:.2f}, KS p {row['ks_p']:.2f}"
        axis.text(0.02, y + 0.12, f"{name}\n", fontsize=8.5, va="bottom", transform=side)
        axis.text(0.02, y + 0.12, tests, fontsize=8, va="bottom", color="0.35", transform=side)
    forward = cells[cells["task"] == SAME]["effect_sd"]
    axis.set_title(
        "effect of being right (asked so: " + " and ".join(f"{x:.1f}" for x in forward[:2]) + ")",
        fontsize=9,
        loc="left",
    )
    axis.set_xlabel("distance from the other answers in their\nstandard deviations, 95% interval over facts")
    axis.set_yticks([])
    axis.set_ylim(-0.6, len(found) - 0.1)
    wide = max(0.5, float(found[["low", "high"]].abs().max().max()) * 1.1)
    axis.set_xlim(-wide, wide)
    axis.spines[["top", "right", "left"]].set_visible(False)


def _effect(task: str, subset: str | None = None) -> Measure:
    return lambda arms: fact_statistics.effect(part(arms["standard"], task, subset))


def _exact(value: float) -> Estimate:
    return Estimate(value, value, value)


SMALL, INSIGNIFICANT = Between(-paper.SMALL, paper.SMALL), Between(paper.SIGNIFICANT)
ONE = ("standard",)
CLAIMS = (
    Statement("D2", "asked the other way: effect of being right, in sd", paper.EFFECT, ONE, _effect(REVERSE), SMALL),
    Statement("D2.name", "of those told name first", paper.EFFECT, ONE, _effect(REVERSE, NAME_FIRST), SMALL),
    Statement(
        "D2.description", "told description first", paper.EFFECT, ONE, _effect(REVERSE, DESCRIPTION_FIRST), SMALL
    ),
    Statement(
        "D2.t",
        "t-test of the effect (p)",
        paper.T_TEST,
        ONE,
        lambda arms: _exact(fact_statistics.t_test(part(arms["standard"], REVERSE))),
        INSIGNIFICANT,
    ),
    Statement(
        "D2.ks",
        "right and random names, Kolmogorov-Smirnov (p)",
        paper.KOLMOGOROV_SMIRNOV,
        ONE,
        lambda arms: _exact(fact_statistics.kolmogorov_smirnov(part(arms["standard"], REVERSE, NAME_FIRST))),
        INSIGNIFICANT,
    ),
    Statement("D2.same", "the same test sees the order told: effect in sd", "large", ONE, _effect(SAME), Between(1)),
)


def claims(arms: Arms, shows: bool, scale: str) -> list[Claim]:
    """Hold claim D2 against the rows."""
    return judge(CLAIMS, arms, shows, scale)
