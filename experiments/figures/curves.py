"""Learning curves: the order of mixed training, the plateau before facts are learned, and confidence."""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from experiments.figures import Arms, Between, Claim, Statement, judge
from experiments.figures import curves_paper as paper
from experiments.figures._shared.learning_curves import Array, Curve, crossing_step, estimate, learning_curve
from experiments.figures._shared.plotting import BLUE, GREEN, ORANGE, add_title
from physics_lm.bootstrap import Estimate

TITLE = "What is learned when: questions and entries in mixed training, one person and another, known and unknown"
KNOWN, UNKNOWN = ("train", "test"), ("unknown",)  # splits; the unknown people are in no biography ("strangers")
SERIES = (
    ("extraction", "train", BLUE, "-"),
    ("biography", "train", GREEN, "-"),
    ("biography", "test", GREEN, "--"),
    ("extraction", "test", BLUE, "--"),
)
LEARNED = 0.5  # share of right answers or tokens from which a curve of mixed training counts as learned
DECLINE = 0.1  # share of the plateau's loss whose decline ends the plateau
RISE = 0.1  # share of the rise of the confidence about unknown people at which the rise has begun


def people_count(arm: str) -> int:
    """Return the number of people N whose biographies an arm nN was trained on."""
    return int(arm.removeprefix("n"))


def plateau_arms(arms: Arms) -> list[str]:
    """Return the arms nN, ordered by number of people."""
    return sorted((arm for arm in arms if arm != "single_mixed"), key=people_count)


def _mixed_curve(rows: pd.DataFrame, task: str, split: str) -> Curve:
    return learning_curve(rows, task, (split,), "correct" if task == "extraction" else "share")


def _logprob_curves(rows: pd.DataFrame) -> list[Curve]:
    """Return the log-probabilities of the values of known and of unknown people."""
    return [learning_curve(rows, "biography", splits, "gold_logprob") for splits in (KNOWN, UNKNOWN)]


def _confidence_curve(rows: pd.DataFrame, splits: tuple[str, ...] = UNKNOWN) -> Curve:
    return learning_curve(rows, "biography", splits, "confidence")


def _plateau_level(unknown: Array) -> float:
    """Return the log-probability at 90% of the lowest loss (in nats) that unknown people's values ever have."""
    return (1 - DECLINE) * float(unknown.max())


def plateau_end(steps: Array, known: Array, unknown: Array) -> float:
    """Return the step where known people's loss falls to 90% of the lowest that unknown people's ever has."""
    return crossing_step(steps, known, _plateau_level(unknown))


def arms_past_plateau(arms: Arms) -> list[str]:
    """Return the arms whose plateau ends during training; for the others a length would be a lower bound."""
    means = {arm: [curve.mean() for curve in _logprob_curves(arms[arm])] for arm in plateau_arms(arms)}
    return [arm for arm, (known, unknown) in means.items() if (known >= _plateau_level(unknown)).any()]


def confidence_onset(steps: Array, confidence: Array, unknown: Array) -> float:
    """Return the step by which confidence about unknown people made a tenth of its rise since their loss was lowest."""
    lowest = int(unknown.argmax())
    level = confidence[lowest] + RISE * (confidence[-1] - confidence[lowest])
    return crossing_step(steps[lowest:], confidence[lowest:], float(level))


def table(arms: Arms) -> pd.DataFrame:
    """Return a row per arm, measure and evaluation: the mean over people and its interval."""
    lines = []
    for arm, rows in arms.items():
        for name, curve in _measures(arm, rows).items():
            for step, *numbers in zip(curve.steps, curve.mean(), *curve.interval(), strict=True):
                value, low, high = (round(float(number), 4) for number in numbers)
                lines.append({"arm": arm, "measure": name, "step": int(step), "value": value, "low": low, "high": high})
    return pd.DataFrame(lines)


def _measures(arm: str, rows: pd.DataFrame) -> dict[str, Curve]:
    if arm == "single_mixed":
        return {f"{task} {split}": _mixed_curve(rows, task, split) for task, split, _, _ in SERIES}
    known, unknown = _logprob_curves(rows)
    return {
        "logprob known": known,
        "logprob strangers": unknown,
        "confidence known": _confidence_curve(rows, KNOWN),
        "confidence strangers": _confidence_curve(rows),
    }


def draw(arms: Arms, cells: pd.DataFrame, caption: str) -> Figure:
    """Draw the order of mixed training, the losses, the plateau over the number of people, and confidence."""
    figure, axes = plt.subplots(2, 2, figsize=(12, 8.4), layout="constrained")
    if "single_mixed" in arms:
        _plot_order(axes[0, 0], cells[cells["arm"] == "single_mixed"])
    if names := plateau_arms(arms):
        _plot_losses(axes[0, 1], arms, cells, names)
        _plot_lengths(axes[1, 0], arms, names)
        _plot_confidence(axes[1, 1], arms, cells, names)
    for axis in axes.flat:
        axis.spines[["top", "right"]].set_visible(False)
    return add_title(figure, TITLE, caption)


def _plot_percent(axis: Axes, cells: pd.DataFrame, **style: object) -> None:
    """Draw a curve in percent with its interval."""
    axis.plot(cells["step"], 100 * cells["value"], **style)  # type: ignore[arg-type]
    low, high = 100 * cells["low"], 100 * cells["high"]
    axis.fill_between(cells["step"], low, high, color=str(style["color"]), alpha=0.15, lw=0)


def _plot_order(axis: Axes, cells: pd.DataFrame) -> None:
    for (task, split, color, line), words in zip(SERIES, paper.ORDER, strict=True):
        _plot_percent(axis, cells[cells["measure"] == f"{task} {split}"], color=color, linestyle=line, label=words)
    axis.axhline(100 * LEARNED, color="0.8", lw=0.8, zorder=0)
    axis.set_title("mixed training on single, in the paper's order from top to bottom", fontsize=9, loc="left")
    axis.set_ylabel("right answers, right attribute tokens (%)")
    axis.set_xlabel("step")
    axis.legend(fontsize=8, frameon=False)


def _plot_losses(axis: Axes, arms: Arms, cells: pd.DataFrame, names: list[str]) -> None:
    finished = arms_past_plateau(arms)
    for number, arm in enumerate(names):
        color = plt.get_cmap("viridis")(0.1 + 0.75 * number / max(1, len(names) - 1))
        for measure, line in (("known", "-"), ("strangers", ":")):
            curve = cells[(cells["arm"] == arm) & (cells["measure"] == f"logprob {measure}")]
            label = f"{people_count(arm):,} people" if measure == "known" else None
            axis.plot(curve["step"], -curve["value"], color=color, linestyle=line, label=label)
        if arm in finished:
            axis.scatter([_end_estimate(arms[arm]).value], [0], marker="^", color=color, zorder=3, clip_on=False)
    axis.set_ylim(0, None)
    axis.set_title("loss on values: known people (lines), strangers (dots); triangles: end of the plateau", fontsize=9,
                   loc="left")  # fmt: skip
    axis.set_ylabel("nats per value")
    axis.set_xlabel("step")
    axis.legend(fontsize=8, frameon=False)


def _end_estimate(rows: pd.DataFrame) -> Estimate:
    curves = _logprob_curves(rows)
    return estimate(curves, lambda means: plateau_end(curves[0].steps, *means))


def _plot_lengths(axis: Axes, arms: Arms, names: list[str]) -> None:
    finished = arms_past_plateau(arms)
    counts, ended = np.array([people_count(arm) for arm in names], float), np.isin(names, finished)
    ends = [_end_estimate(arms[arm]) for arm in names]
    error = np.array([[end.value - end.low for end in ends], [end.high - end.value for end in ends]])
    steps = np.array([end.value for end in ends])
    axis.errorbar(counts[ended], steps[ended], error[:, ended], fmt="o", color=ORANGE, capsize=3,
                  label="ours, 95% interval")  # fmt: skip
    if not ended.all():
        axis.scatter(counts[~ended], steps[~ended], marker="^", facecolor="none", edgecolor=ORANGE,
                     label="longer than training")  # fmt: skip
    if ended.sum() > 1:
        slope, level = np.polyfit(np.log(counts[ended]), np.log(steps[ended]), 1)
        line, label = np.exp(level) * counts[ended] ** slope, f"ours: {np.exp(level):.2g} N^{slope:.2f}"
        axis.plot(counts[ended], line, color=ORANGE, label=label)
    published = [paper.plateau(count) for count in counts]
    axis.plot(counts, published, color="black", linestyle=":", label="published: 0.43 N^0.81 (44M)")
    axis.set_xscale("log")
    axis.set_yscale("log")
    axis.set_xticks(counts, [f"{int(count):,}" for count in counts])
    axis.minorticks_off()
    axis.set_yticks(ticks := [50, 100, 200, 500, 1000, 2000, 5000], [f"{tick:,}" for tick in ticks])
    axis.set_ylim(0.9 * min(published), 1.6 * max(end.high for end in ends))
    axis.set_title("how long nothing is learned of anybody", fontsize=9, loc="left")
    axis.set_xlabel("people N")
    axis.set_ylabel("steps until the plateau ends")
    axis.legend(fontsize=8, frameon=False)


def _plot_confidence(axis: Axes, arms: Arms, cells: pd.DataFrame, names: list[str]) -> None:
    names = arms_past_plateau(arms) or names
    arm = names[(len(names) - 1) // 2]
    for measure, color, label in (("known", GREEN, "people read about"),
                                  ("strangers", ORANGE, "strangers, of whom nothing was ever read")):  # fmt: skip
        curve = cells[(cells["arm"] == arm) & (cells["measure"] == f"confidence {measure}")]
        _plot_percent(axis, curve, color=color, label=label)
    end, onset = _end_estimate(arms[arm]).value, _onset_estimate(arms[arm]).value
    axis.axvline(end, color=GREEN, lw=0.8, linestyle="--", label="the plateau ends")
    axis.axvline(onset, color=ORANGE, lw=0.8, linestyle="--", label="confidence about strangers begins")
    axis.set_ylim(0, 104)
    title = f"probability of the likeliest first token of a value, {people_count(arm):,} people"
    axis.set_title(title, fontsize=9, loc="left")
    axis.set_ylabel("confidence (%)")
    axis.set_xlabel("step")
    axis.legend(fontsize=8, facecolor="white", framealpha=1, edgecolor="none")


def _onset_estimate(rows: pd.DataFrame) -> Estimate:
    curves = [_confidence_curve(rows), _logprob_curves(rows)[1]]
    return estimate(curves, lambda means: confidence_onset(curves[0].steps, *means))


def plateau_exponent(arms: Arms) -> Estimate:
    """Return the exponent of the plateau's length in the number of people, by a straight line in logarithms."""
    names = arms_past_plateau(arms)
    curves = [curve for arm in names for curve in _logprob_curves(arms[arm])]
    counts = np.log([people_count(arm) for arm in names])

    def slope(means: list[Array]) -> float:
        ends = [plateau_end(curves[n].steps, means[n], means[n + 1]) for n in range(0, len(means), 2)]
        return float(np.polyfit(counts, np.log(ends), 1)[0])

    return estimate(curves, slope)


def onset_ratio(arms: Arms) -> Estimate:
    """Return the onset of confidence about unknown people over the plateau's end, geometric mean over the arms."""
    passed = [arms[arm] for arm in arms_past_plateau(arms)]
    curves = [curve for rows in passed for curve in (*_logprob_curves(rows), _confidence_curve(rows))]

    def ratio(means: list[Array]) -> float:
        logs = [
            np.log(confidence_onset(curves[n].steps, means[n + 2], means[n + 1]))
            - np.log(plateau_end(curves[n].steps, means[n], means[n + 1]))
            for n in range(0, len(means), 3)
        ]
        return float(np.exp(np.mean(logs)))

    return estimate(curves, ratio)


def _order_statement(first: int, second: int) -> Statement:
    """Return the claim that one curve of mixed training is learned before another."""

    def measure(arms: Arms) -> Estimate:
        curves = [_mixed_curve(arms["single_mixed"], *SERIES[number][:2]) for number in (first, second)]

        def delay(means: list[Array]) -> float:
            earlier, later = (crossing_step(curves[i].steps, means[i], LEARNED) for i in (0, 1))
            return later - earlier

        return estimate(curves, delay)

    words = f"{paper.ORDER[first]} are learned before {paper.ORDER[second]} (steps)"
    return Statement(f"A1.order.{second}", words, "in this order", ("single_mixed",), measure, Between(0))


def claims(arms: Arms, shows: bool, scale: str) -> list[Claim]:
    """Return the order of learning (Part 3.1, Figure 1) and claims E1 and E2 (2503.21676), judged by the rows."""
    needs = tuple(arms_past_plateau(arms))
    if len(needs) < 3:
        needs = (*needs, "nN with at least three N whose plateau ends")
    statements = (
        *(_order_statement(number, number + 1) for number in range(3)),
        Statement("E1", "exponent of the plateau's length in the number of people", "0.81", needs, plateau_exponent,
                  Between(0.6, 1.0)),
        Statement("E2", "confidence about strangers begins as the plateau ends (ratio of steps)", "1", needs,
                  onset_ratio, Between(0.8, 1.2)),
    )  # fmt: skip
    return judge(statements, arms, shows, scale)
