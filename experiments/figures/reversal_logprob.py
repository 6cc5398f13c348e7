"""Is the right answer at least likelier than others in the other order? (2309.12288, section 2.1.2)."""

from collections.abc import Callable

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from data_gen.facts.fact import DESCRIPTION_FIRST, NAME_FIRST, REVERSE, SAME
from experiments.figures import Arms, Between, Claim, Measure, Statement, judge
from experiments.figures import reversal_logprob_paper as paper
from experiments.figures._shared.plotting import add_title
from experiments.figures.reversal import select
from physics_lm import fact_statistics
from physics_lm.bootstrap import Estimate

TITLE = "Asked in the other order: is the right answer any likelier than the others?"
SUBSETS = {NAME_FIRST: "told name first", DESCRIPTION_FIRST: "told description first"}
CURVES = {  # colour and line style
    (NAME_FIRST, SAME): ("#3b6fa5", "-"),
    (DESCRIPTION_FIRST, SAME): ("#3b6fa5", "--"),
    (NAME_FIRST, REVERSE): ("#c97b2a", "-"),
    (DESCRIPTION_FIRST, REVERSE): ("#c97b2a", "--"),
}
ORDERS = {SAME: "asked so", REVERSE: "asked the other way"}


def table(arms: Arms) -> pd.DataFrame:
    """Return a row per arm, subset and order: effect in standard deviations, tests, mean rank, closed choice."""
    return pd.DataFrame(
        {"arm": arm, "subset": subset, "task": task, **_columns(cell, task == REVERSE)}
        for arm, rows in arms.items()
        for (subset, task), cell in rows.groupby(["attribute", "task"], sort=False)
    )


def _columns(cell: pd.DataFrame, reverse: bool) -> dict[str, float | None]:
    effect, likeliest = fact_statistics.effect(cell), fact_statistics.accuracy(cell)
    return {
        "effect_sd": round(effect.value, 4), "low": round(effect.low, 4), "high": round(effect.high, 4),
        "t_test_p": round(fact_statistics.t_test(cell), 5),
        "ks_p": round(fact_statistics.kolmogorov_smirnov(cell), 5) if reverse else None,
        "mean_rank": round(float(fact_statistics.by_fact(cell, "rank").mean()), 2),
        "likeliest": round(likeliest.value, 2), "likeliest_low": round(float(likeliest.low), 2),
        "likeliest_high": round(float(likeliest.high), 2), "candidates": int(cell["candidates"].max()),
        "facts": len(fact_statistics.by_fact(cell, "z")), "questions": len(cell),
        "logprob_right": round(float(cell["gold_logprob"].mean()), 3),
        "logprob_other": round(float(cell["other_logprob"].mean()), 3) if reverse else None,
    }  # fmt: skip


def draw(arms: Arms, cells: pd.DataFrame, caption: str) -> Figure:
    """Draw where the right answer ranks among all, the log-probabilities of right and random, and the effects."""
    figure, axes = plt.subplots(1, 3, figsize=(12, 4.4), width_ratios=[1, 1, 0.9], layout="constrained")
    rows = arms["standard"] if "standard" in arms else next(iter(arms.values()))
    _draw_ranks(axes[0], rows)
    _draw_log_probabilities(axes[1], rows)
    _draw_effects(axes[2], cells)
    return add_title(figure, TITLE, caption, 0.06, 0.9)


def _draw_distribution(axis: Axes, values: pd.Series, colour: str, style: str, label: str) -> None:
    x = np.sort(values.to_numpy())
    y = np.arange(len(x) + 1) / len(x)
    axis.plot([x[0], *x], y, color=colour, ls=style, lw=1.6, label=label, drawstyle="steps-post")


def _draw_ranks(axis: Axes, rows: pd.DataFrame) -> None:
    for (subset, task), (colour, style) in CURVES.items():
        cell = select(rows, task, subset)
        if len(cell):
            # a rank of every question: averaged over paraphrases, ranks without information would crowd in the middle
            ranks = (cell["rank"] - 1) / (cell["candidates"] - 1)
            _draw_distribution(axis, ranks, colour, style, f"{SUBSETS[subset]}, {ORDERS[task]}")
    axis.plot([0, 1], [0, 1], color="0.6", lw=1, ls=":", label="no information")
    axis.set_xlabel("rank of the right answer among all\n(0 the likeliest, 1 the least likely)")
    axis.set_ylabel("share of the questions")
    axis.set_title("where the right answer ranks", fontsize=9, loc="left")
    axis.legend(fontsize=7.5, frameon=False, loc="lower right")
    axis.spines[["top", "right"]].set_visible(False)


def _draw_log_probabilities(axis: Axes, rows: pd.DataFrame) -> None:
    columns = (("gold_logprob", "#c97b2a", "right answer"), ("other_logprob", "0.45", "random other"))
    for subset, style in ((NAME_FIRST, "-"), (DESCRIPTION_FIRST, "--")):
        if len(cell := select(rows, REVERSE, subset)):
            for column, colour, answer in columns:
                values = fact_statistics.by_fact(cell, column)
                _draw_distribution(axis, values, colour, style, f"{SUBSETS[subset]}: {answer}")
    axis.set_xlabel("log-probability of an answer,\nasked the other way (nats)")
    axis.set_ylabel("share of the facts")
    axis.set_title("right against random, as in the paper", fontsize=9, loc="left")
    axis.legend(fontsize=7.5, frameon=False, loc="upper left")
    axis.spines[["top", "right"]].set_visible(False)


def _draw_effects(axis: Axes, cells: pd.DataFrame) -> None:
    reverse = cells[cells["task"] == REVERSE].reset_index(drop=True)
    y = np.arange(len(reverse))[::-1]
    axis.axvspan(-paper.SMALL, paper.SMALL, color="0.93")
    axis.axvline(0, color="0.6", lw=1)
    error = [reverse["effect_sd"] - reverse["low"], reverse["high"] - reverse["effect_sd"]]
    axis.errorbar(reverse["effect_sd"], y, xerr=error, fmt="o", color="#c97b2a", capsize=3)
    several, side = reverse["arm"].nunique() > 1, axis.get_yaxis_transform()
    for place, (_, row) in zip(y, reverse.iterrows(), strict=True):
        name = SUBSETS[row["subset"]] + (f", {row['arm']}" if several else "")
        tests = f"t-test p {row['t_test_p']:.2f}, KS p {row['ks_p']:.2f}"
        axis.text(0.02, place + 0.12, f"{name}\n", fontsize=8.5, va="bottom", transform=side)
        axis.text(0.02, place + 0.12, tests, fontsize=8, va="bottom", color="0.35", transform=side)
    forward = " and ".join(f"{effect:.1f}" for effect in cells[cells["task"] == SAME]["effect_sd"][:2])
    axis.set_title(f"effect of being right (asked so: {forward})", fontsize=9, loc="left")
    axis.set_xlabel("distance from the other answers in their\nstandard deviations, 95% interval over facts")
    axis.set_yticks([])
    axis.set_ylim(-0.6, len(reverse) - 0.1)
    wide = max(0.5, float(reverse[["low", "high"]].abs().max().max()) * 1.1)
    axis.set_xlim(-wide, wide)
    axis.spines[["top", "right", "left"]].set_visible(False)


def _effect(task: str, subset: str | None = None) -> Measure:
    return lambda arms: fact_statistics.effect(select(arms["standard"], task, subset))


def _p_value(test: Callable[[pd.DataFrame], float], subset: str | None = None) -> Measure:
    """Return the measure of a test's p-value on the reverse questions; its interval is the value itself."""
    return lambda arms: Estimate(*[test(select(arms["standard"], REVERSE, subset))] * 3)


SMALL, INSIGNIFICANT = Between(-paper.SMALL, paper.SMALL), Between(paper.SIGNIFICANT)
STANDARD = ("standard",)
CLAIMS = (
    Statement("D2", "asked the other way: effect of being right, in sd", paper.EFFECT, STANDARD, _effect(REVERSE),
              SMALL),
    Statement("D2.name", "of those told name first", paper.EFFECT, STANDARD, _effect(REVERSE, NAME_FIRST), SMALL),
    Statement("D2.description", "told description first", paper.EFFECT, STANDARD, _effect(REVERSE, DESCRIPTION_FIRST),
              SMALL),
    Statement("D2.t", "t-test of the effect (p)", paper.T_TEST, STANDARD, _p_value(fact_statistics.t_test),
              INSIGNIFICANT),
    Statement("D2.ks", "right and random names, Kolmogorov-Smirnov (p)", paper.KOLMOGOROV_SMIRNOV, STANDARD,
              _p_value(fact_statistics.kolmogorov_smirnov, NAME_FIRST), INSIGNIFICANT),
    Statement("D2.same", "the same test sees the order told: effect in sd", "large", STANDARD, _effect(SAME),
              Between(1)),
)  # fmt: skip


def claims(arms: Arms, shows: bool, scale: str) -> list[Claim]:
    """Judge claim D2 on the rows."""
    return judge(CLAIMS, arms, shows, scale)
