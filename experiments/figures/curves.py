"""Learning curves: the order of mixed training, the plateau before facts are learned, confidence about strangers."""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from experiments.figures import Arms, Between, Claim, Statement, judge
from experiments.figures import curves_paper as paper
from experiments.figures._shared.accuracy import BLUE, GREEN, ORANGE
from experiments.figures._shared.learning_curves import Array, Track, crossing, estimate, track
from experiments.figures._shared.plotting import titled
from physics_lm.bootstrap import Estimate

TITLE = "What is learned when: questions and entries in mixed training, one person and another, known and unknown"
KNOWN, STRANGERS = ("train", "test"), ("unknown",)
SERIES = (
    ("extraction", "train", BLUE, "-"),
    ("biography", "train", GREEN, "-"),
    ("biography", "test", GREEN, "--"),
    ("extraction", "test", BLUE, "--"),
)
REACHED = 0.5  # of right answers or tokens: then a curve of mixed training counts as learned
GONE = 0.1  # of the plateau's loss: then the plateau has ended
RISEN = 0.1  # of the rise of the confidence about strangers: then it has begun


def people(arm: str) -> int:
    """Return how many people an arm nN has read about."""
    return int(arm.removeprefix("n"))


def sizes(arms: Arms) -> list[str]:
    """Return the arms of the plateau, by number of people."""
    return sorted((arm for arm in arms if arm != "single_mixed"), key=people)


def _mixed(rows: pd.DataFrame, task: str, split: str) -> Track:
    return track(rows, task, (split,), "correct" if task == "extraction" else "share")


def _loss_tracks(rows: pd.DataFrame) -> list[Track]:
    """Return the log-probabilities of the values of known people and of strangers."""
    return [track(rows, "biography", splits, "gold_logprob") for splits in (KNOWN, STRANGERS)]


def plateau_end(steps: Array, known: Array, strangers: Array) -> float:
    """Return the step at which known people's values are a tenth likelier (in nats) than any stranger's ever was."""
    return crossing(steps, known, (1 - GONE) * float(strangers.max()))


def ended(arms: Arms) -> list[str]:
    """Return the arms whose plateau ends while they are trained; of others a length would be a lower bound."""
    return [arm for arm in sizes(arms) if _ends(*(found.mean() for found in _loss_tracks(arms[arm])))]


def _ends(known: Array, strangers: Array) -> bool:
    return bool((known >= (1 - GONE) * strangers.max()).any())


def onset(steps: Array, confidence: Array, strangers: Array) -> float:
    """Return the step at which confidence about strangers has risen by a tenth from where their loss was least."""
    least = int(strangers.argmax())
    level = confidence[least] + RISEN * (confidence[-1] - confidence[least])
    return crossing(steps[least:], confidence[least:], float(level))


def table(arms: Arms) -> pd.DataFrame:
    """Return a row per arm, measure and evaluation: the mean over people and its interval."""
    lines = []
    for arm, rows in arms.items():
        for name, found in _measures(arm, rows).items():
            low, high = found.interval()
            for number, step in enumerate(found.steps):
                values = {"value": found.mean()[number], "low": low[number], "high": high[number]}
                lines.append(
                    {
                        "arm": arm,
                        "measure": name,
                        "step": int(step),
                        **{k: round(float(v), 4) for k, v in values.items()},
                    }
                )
    return pd.DataFrame(lines)


def _measures(arm: str, rows: pd.DataFrame) -> dict[str, Track]:
    if arm == "single_mixed":
        return {f"{task} {split}": _mixed(rows, task, split) for task, split, _, _ in SERIES}
    known, strangers = _loss_tracks(rows)
    return {
        "logprob known": known,
        "logprob strangers": strangers,
        "confidence known": track(rows, "biography", KNOWN, "confidence"),
        "confidence strangers": track(rows, "biography", STRANGERS, "confidence"),
    }


def draw(arms: Arms, found: pd.DataFrame, caption: str) -> Figure:
    """Draw the order of mixed training, the losses, the plateau over the number of people, and confidence."""
    figure, axes = plt.subplots(2, 2, figsize=(12, 8.4), layout="constrained")
    if "single_mixed" in arms:
        _order(axes[0, 0], found[found["arm"] == "single_mixed"])
    if names := sizes(arms):
        _losses(axes[0, 1], arms, found, names)
        _lengths(axes[1, 0], arms, names)
        _confidence(axes[1, 1], arms, found, names)
    for axis in axes.flat:
        axis.spines[["top", "right"]].set_visible(False)
    return titled(figure, TITLE, caption)


def _line(axis: Axes, part: pd.DataFrame, scale: float = 100, **style: object) -> None:
    axis.plot(part["step"], scale * part["value"], **style)  # type: ignore[arg-type]
    axis.fill_between(
        part["step"], scale * part["low"], scale * part["high"], color=str(style["color"]), alpha=0.15, lw=0
    )


def _order(axis: Axes, found: pd.DataFrame) -> None:
    for (task, split, color, line), words in zip(SERIES, paper.ORDER, strict=True):
        _line(axis, found[found["measure"] == f"{task} {split}"], color=color, linestyle=line, label=words)
    axis.axhline(100 * REACHED, color="0.8", lw=0.8, zorder=0)
    axis.set_title("mixed training on single, in the paper's order from top to bottom", fontsize=9, loc="left")
    axis.set_ylabel("right answers, right attribute tokens (%)")
    axis.set_xlabel("step")
    axis.legend(fontsize=8, frameon=False)


def _color(number: int, count: int) -> tuple[float, float, float, float]:
    shade: tuple[float, float, float, float] = plt.get_cmap("viridis")(0.1 + 0.75 * number / max(1, count - 1))
    return shade


def _losses(axis: Axes, arms: Arms, found: pd.DataFrame, names: list[str]) -> None:
    finished = ended(arms)
    for number, arm in enumerate(names):
        part = found[found["arm"] == arm]
        color = _color(number, len(names))
        for measure, line in (("known", "-"), ("strangers", ":")):
            chosen = part[part["measure"] == f"logprob {measure}"]
            label = f"{people(arm):,} people" if measure == "known" else None
            axis.plot(chosen["step"], -chosen["value"], color=color, linestyle=line, label=label)
        if arm in finished:
            axis.scatter([_end(arms[arm]).value], [0], marker="^", color=color, zorder=3, clip_on=False)
    axis.set_ylim(0, None)
    axis.set_title(
        "loss on values: known people (lines), strangers (dots); triangles: end of the plateau", fontsize=9, loc="left"
    )
    axis.set_ylabel("nats per value")
    axis.set_xlabel("step")
    axis.legend(fontsize=8, frameon=False)


def _end(rows: pd.DataFrame) -> Estimate:
    tracks = _loss_tracks(rows)
    return estimate(tracks, lambda means: plateau_end(tracks[0].steps, *means))


def _lengths(axis: Axes, arms: Arms, names: list[str]) -> None:
    finished = ended(arms)
    counts, over = np.array([people(arm) for arm in names], float), [arm in finished for arm in names]
    ends = [_end(arms[arm]) for arm in names]
    error = np.array([[e.value - e.low for e in ends], [e.high - e.value for e in ends]])
    value = np.array([e.value for e in ends])
    shown = counts[over], value[over], error[:, over]
    axis.errorbar(*shown, fmt="o", color=ORANGE, capsize=3, label="ours, 95% interval")
    if not all(over):
        longer = ~np.array(over)
        axis.scatter(
            counts[longer], value[longer], marker="^", facecolor="none", edgecolor=ORANGE, label="longer than training"
        )
    if sum(over) > 1:
        slope, level = np.polyfit(np.log(shown[0]), np.log(shown[1]), 1)
        line = np.exp(level) * shown[0] ** slope
        axis.plot(shown[0], line, color=ORANGE, label=f"ours: {np.exp(level):.2g} N^{slope:.2f}")
    axis.plot(
        counts, [paper.plateau(n) for n in counts], color="black", linestyle=":", label="published: 0.43 N^0.81 (44M)"
    )
    axis.set_xscale("log")
    axis.set_yscale("log")
    axis.set_xticks(counts, [f"{int(n):,}" for n in counts])
    axis.minorticks_off()
    axis.set_yticks(ticks := [50, 100, 200, 500, 1000, 2000, 5000], [f"{tick:,}" for tick in ticks])
    low, high = min(paper.plateau(n) for n in counts), max(e.high for e in ends)
    axis.set_ylim(0.9 * low, 1.6 * high)
    axis.set_title("how long nothing is learned of anybody", fontsize=9, loc="left")
    axis.set_xlabel("people N")
    axis.set_ylabel("steps until the plateau ends")
    axis.legend(fontsize=8, frameon=False)


def _confidence(axis: Axes, arms: Arms, found: pd.DataFrame, names: list[str]) -> None:
    names = ended(arms) or names
    arm = names[(len(names) - 1) // 2]
    part = found[found["arm"] == arm]
    for who, color in (("known", GREEN), ("strangers", ORANGE)):
        words = "people read about" if who == "known" else "strangers, of whom nothing was ever read"
        _line(axis, part[part["measure"] == f"confidence {who}"], color=color, label=words)
    axis.axvline(_end(arms[arm]).value, color=GREEN, lw=0.8, linestyle="--", label="the plateau ends")
    axis.axvline(
        _onset(arms[arm]).value, color=ORANGE, lw=0.8, linestyle="--", label="confidence about strangers begins"
    )
    axis.set_ylim(0, 104)
    axis.set_title(
        f"probability of the likeliest first token of a value, {people(arm):,} people", fontsize=9, loc="left"
    )
    axis.set_ylabel("confidence (%)")
    axis.set_xlabel("step")
    axis.legend(fontsize=8, facecolor="white", framealpha=1, edgecolor="none")


def _onset(rows: pd.DataFrame) -> Estimate:
    tracks = [track(rows, "biography", STRANGERS, value) for value in ("confidence", "gold_logprob")]
    return estimate(tracks, lambda means: onset(tracks[0].steps, *means))


def exponent(arms: Arms) -> Estimate:
    """Return the exponent of the plateau's length in the number of people, by a straight line in logarithms."""
    names = ended(arms)
    tracks = [found for arm in names for found in _loss_tracks(arms[arm])]
    counts = np.log([people(arm) for arm in names])

    def slope(means: list[Array]) -> float:
        ends = [plateau_end(tracks[n].steps, means[n], means[n + 1]) for n in range(0, len(means), 2)]
        return float(np.polyfit(counts, np.log(ends), 1)[0])

    return estimate(tracks, slope)


def together(arms: Arms) -> Estimate:
    """Return when confidence about strangers begins over when the plateau ends, geometric mean over the arms."""
    tracks = [
        found
        for arm in ended(arms)
        for found in (*_loss_tracks(arms[arm]), track(arms[arm], "biography", STRANGERS, "confidence"))
    ]

    def ratio(means: list[Array]) -> float:
        logs = [
            np.log(onset(tracks[n].steps, means[n + 2], means[n + 1]))
            - np.log(plateau_end(tracks[n].steps, means[n], means[n + 1]))
            for n in range(0, len(means), 3)
        ]
        return float(np.exp(np.mean(logs)))

    return estimate(tracks, ratio)


def _later(first: int, second: int) -> Statement:
    """Return the claim that one curve of mixed training reaches a half before another."""

    def measure(arms: Arms) -> Estimate:
        pair = [_mixed(arms["single_mixed"], *SERIES[number][:2]) for number in (first, second)]
        return estimate(
            pair, lambda means: crossing(pair[1].steps, means[1], REACHED) - crossing(pair[0].steps, means[0], REACHED)
        )

    words = f"{paper.ORDER[first]} are learned before {paper.ORDER[second]} (steps)"
    return Statement(f"A1.order.{second}", words, "in this order", ("single_mixed",), measure, Between(0))


# facts E1 and E2, and the order of learning in section 1.10
CLAIMS = (_later(0, 1), _later(1, 2), _later(2, 3))


def claims(arms: Arms, shows: bool, scale: str) -> list[Claim]:
    """Hold the order of learning, E1 and E2 against the rows."""
    finished = ended(arms)
    few = [*finished, *("nN with at least three N whose plateau ends",) * (len(finished) < 3)]
    plateau = (
        Statement(
            "E1",
            "exponent of the plateau's length in the number of people",
            "0.81",
            tuple(few),
            exponent,
            Between(0.6, 1.0),
        ),
        Statement(
            "E2",
            "confidence about strangers begins as the plateau ends (ratio of steps)",
            "1",
            tuple(few),
            together,
            Between(0.8, 1.2),
        ),
    )
    return judge((*CLAIMS, *plateau), arms, shows, scale)
