"""Part 3.1, Figure 11: LoRA for questions must adapt the embedding besides queries and values."""

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from experiments.figures import Arms, Between, Claim, Statement, judge
from experiments.figures import lora_paper as paper
from experiments.figures._shared import accuracy
from experiments.figures._shared.plotting import BLUE, GREEN, ORANGE, add_title, error_bars, panels
from physics_lm import results
from physics_lm.bootstrap import Estimate

TITLE = "Fine-tuning for questions by LoRA: the rank on queries and values, and that on the embedding"
COLORS = {2: ORANGE, 4: "#8c6bb1", 8: BLUE, 16: GREEN, 32: "#8c564b"}


def ranks(arm: str) -> tuple[int, int] | None:
    """Return an arm's rank and embedding rank, None for full fine-tuning."""
    parts = arm.removeprefix("single_").split("_")
    return (int(parts[0][1:]), int(parts[1][1:])) if len(parts) == 2 else None


def best_arm(arms: Arms, embedding_rank: int, single: bool = False) -> str:
    """Return the arm of an embedding rank with the highest accuracy on people of P_train held out of training."""
    names = [arm for arm in arms if arm.startswith("single") == single and (ranks(arm) or (0, -1))[1] == embedding_rank]
    return max(names, key=lambda arm: results.clustered(accuracy.questions(arms[arm], "held")).value)


def table(arms: Arms) -> pd.DataFrame:
    """Return the rows of `accuracy.table`, with the accuracy on the people on whom ranks are chosen."""
    cells = accuracy.table(arms, paper.values)
    keys = zip(cells["arm"], cells["attribute"], strict=True)
    held = [accuracy.select(accuracy.questions(arms[arm], "held"), attribute) for arm, attribute in keys]
    return cells.assign(
        held_questions=[len(rows) for rows in held],
        held_accuracy=[round(results.clustered(rows).value, 2) if len(rows) else float("nan") for rows in held],
    )


def draw(arms: Arms, cells: pd.DataFrame, caption: str) -> Figure:
    """Draw multi5+permute over the embedding rank, and training against held-out people on single."""
    figure, (left, right) = panels(11.5, 4.8, 2, [1.6, 1])
    _plot_ranks(left, accuracy.mean_rows(cells))
    _plot_single(right, accuracy.mean_rows(cells))
    return add_title(figure, TITLE, caption)


def _plot_ranks(axis: Axes, means: pd.DataFrame) -> None:
    pairs = {arm: pair for arm in map(str, means.index) if not arm.startswith("single") and (pair := ranks(arm))}
    places = sorted({embedding for _, embedding in pairs.values()})
    for rank in sorted({rank for rank, _ in pairs.values()}):
        line = means.loc[[f"r{rank}_e{e}" for e in places if f"r{rank}_e{e}" in pairs]]
        x = [places.index(pairs[str(arm)][1]) for arm in line.index]
        axis.errorbar(x, line["accuracy"], error_bars(line), fmt="o-", color=COLORS[rank], capsize=3,
                      label=f"ours, r={rank}")  # fmt: skip
    published = {arm: value for arm, value in paper.MEANS.items() if arm in pairs}
    axis.scatter(
        [places.index(pairs[arm][1]) for arm in published], list(published.values()), marker="D", color="black",
        zorder=3, label="paper (124M): r=2 without, r=8 or 16 with r'=128",
    )  # fmt: skip
    if "full" in means.index:
        axis.axhline(float(means["accuracy"]["full"]), color="0.4", linestyle="--", label="ours, every weight")
        axis.axhline(paper.MEANS["full"], color="0.4", linestyle=":", label="paper, every weight")
    axis.set_xticks(range(len(places)), [str(place) for place in places])
    axis.set_xlabel("rank r' of the embedding's update")
    axis.set_ylabel("multi5+permute: right answers about\nheld-out people, mean of six (%)")
    _style(axis)


def _plot_single(axis: Axes, means: pd.DataFrame) -> None:
    means = means.loc[[arm for arm in map(str, means.index) if arm.startswith("single")]]
    place = list(range(len(means)))
    axis.bar([x - 0.2 for x in place], means["train_accuracy"], 0.38, color=BLUE, alpha=0.5, label="trained questions")
    axis.bar([x + 0.2 for x in place], means["accuracy"], 0.38, yerr=error_bars(means), capsize=3, color=BLUE,
             label="held-out people")  # fmt: skip
    for numbers, shift, label in ((paper.TRAIN, -0.2, "paper (124M)"), (paper.MEANS, 0.2, "")):
        dots = [(x + shift, numbers[arm]) for x, arm in enumerate(map(str, means.index)) if arm in numbers]
        axis.scatter([x for x, _ in dots], [y for _, y in dots], marker="D", color="black", s=30, zorder=3, label=label)
    names = [f"r={pair[0]}\nr'={pair[1]}" if (pair := ranks(str(arm))) else "every\nweight" for arm in means.index]
    axis.set_xticks(place, names)
    axis.set_ylabel("single: right answers (%)")
    _style(axis)


def _style(axis: Axes) -> None:
    axis.set_ylim(0, 104)
    axis.spines[["top", "right"]].set_visible(False)
    axis.legend(fontsize=8, frameon=False, loc="lower left", bbox_to_anchor=(0, 1), ncols=2)


def _embedding_gain(arms: Arms) -> Estimate:
    return accuracy.difference(best_arm(arms, 128), best_arm(arms, 0))(arms)


# Part 3.1, Figures 2 and 11
CLAIMS = (
    Statement("A10", "the embedding's update is needed: r'=128 above r'=0 (points)", "25.0", ("r2_e0", "r2_e128"),
              _embedding_gain, Between(10)),
    Statement("A10.level", "with it, LoRA extracts from multi5+permute", "96.6", ("r2_e128",),
              lambda arms: accuracy.mean(best_arm(arms, 128))(arms), Between(85)),
    Statement("A10.full", "and is not below training every weight (points)", "2.0", ("full", "r2_e128"),
              lambda arms: accuracy.difference(best_arm(arms, 128), "full")(arms), Between(-5)),
    Statement("A2.lora", "single is not extracted by LoRA either", "9.7", ("single_r8_e128",),
              lambda arms: accuracy.mean(best_arm(arms, 128, single=True))(arms), Between(high=15)),
)  # fmt: skip


def claims(arms: Arms, shows: bool, scale: str) -> list[Claim]:
    """Return claims A10 and A2, judged by the rows; ranks are chosen on people of P_train."""
    return judge(CLAIMS, arms, shows, scale)
