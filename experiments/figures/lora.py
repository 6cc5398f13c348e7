"""Part 3.1, Figure 11: LoRA for questions must adapt the embedding besides queries and values."""

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from experiments.figures import Arms, Between, Claim, Statement, judge
from experiments.figures import lora_paper as paper
from experiments.figures._shared.accuracy import BLUE, GREEN, ORANGE, asked, cells, mean, means, minus, of
from experiments.figures._shared.plotting import panels, titled
from physics_lm import results
from physics_lm.bootstrap import Estimate

TITLE = "Fine-tuning for questions by LoRA: the rank on queries and values, and that on the embedding"
COLORS = {2: ORANGE, 4: "#8c6bb1", 8: BLUE, 16: GREEN, 32: "#8c564b"}


def ranks(arm: str) -> tuple[int, int] | None:
    """Return an arm's rank and embedding rank, None for full fine-tuning."""
    parts = arm.removeprefix("single_").split("_")
    return (int(parts[0][1:]), int(parts[1][1:])) if len(parts) == 2 else None


def best(arms: Arms, embedding_rank: int, single: bool = False) -> str:
    """Return the arm of an embedding rank whose people of P_train held out of training were answered best."""
    names = [arm for arm in arms if arm.startswith("single") == single and (ranks(arm) or (0, -1))[1] == embedding_rank]
    return max(names, key=lambda arm: results.clustered(asked(arms[arm], "held")).value)


def table(arms: Arms) -> pd.DataFrame:
    """Return a row per arm and attribute (and their mean): held-out accuracy, and that of the people to choose on."""
    found = cells(arms, paper.values)
    held = [of(asked(arms[arm], "held"), name) for arm, name in zip(found["arm"], found["attribute"], strict=True)]
    return found.assign(
        held_questions=[len(part) for part in held],
        held_accuracy=[round(results.clustered(part).value, 2) if len(part) else float("nan") for part in held],
    )


def draw(arms: Arms, found: pd.DataFrame, caption: str) -> Figure:
    """Draw multi5+permute over the embedding rank, and training against held-out people on single."""
    figure, (left, right) = panels(11.5, 4.8, 2, [1.6, 1])
    _curves(left, means(found))
    _single(right, means(found))
    return titled(figure, TITLE, caption)


def _curves(axis: Axes, found: pd.DataFrame) -> None:
    shown = {arm: pair for arm in map(str, found.index) if not arm.startswith("single") and (pair := ranks(arm))}
    places = sorted({embedding for _, embedding in shown.values()})
    for rank in sorted({rank for rank, _ in shown.values()}):
        line = found.loc[[f"r{rank}_e{e}" for e in places if f"r{rank}_e{e}" in shown]]
        x = [places.index(shown[str(arm)][1]) for arm in line.index]
        error = [line["accuracy"] - line["low"], line["high"] - line["accuracy"]]
        axis.errorbar(x, line["accuracy"], error, fmt="o-", color=COLORS[rank], capsize=3, label=f"ours, r={rank}")
    theirs = {arm: value for arm, value in paper.MEANS.items() if arm in shown}
    axis.scatter(
        [places.index(shown[arm][1]) for arm in theirs], list(theirs.values()), marker="D", color="black", zorder=3,
        label="paper (124M): r=2 without, r=8 or 16 with r'=128",
    )  # fmt: skip
    if "full" in found.index:
        axis.axhline(float(found["accuracy"]["full"]), color="0.4", linestyle="--", label="ours, every weight")
        axis.axhline(paper.MEANS["full"], color="0.4", linestyle=":", label="paper, every weight")
    axis.set_xticks(range(len(places)), [str(place) for place in places])
    axis.set_xlabel("rank r' of the embedding's update")
    axis.set_ylabel("multi5+permute: right answers about\nheld-out people, mean of six (%)")
    _plain(axis)


def _single(axis: Axes, found: pd.DataFrame) -> None:
    chosen = found.loc[[arm for arm in map(str, found.index) if arm.startswith("single")]]
    place = list(range(len(chosen)))
    axis.bar([x - 0.2 for x in place], chosen["train_accuracy"], 0.38, color=BLUE, alpha=0.5, label="trained questions")
    error = [chosen["accuracy"] - chosen["low"], chosen["high"] - chosen["accuracy"]]
    axis.bar(
        [x + 0.2 for x in place], chosen["accuracy"], 0.38, yerr=error, capsize=3, color=BLUE, label="held-out people"
    )
    for numbers, shift in ((paper.TRAIN, -0.2), (paper.MEANS, 0.2)):
        dots = [(x + shift, numbers[arm]) for x, arm in enumerate(map(str, chosen.index)) if arm in numbers]
        named = "" if shift > 0 else "paper (124M)"
        axis.scatter([x for x, _ in dots], [y for _, y in dots], marker="D", color="black", s=30, zorder=3, label=named)
    names = [f"r={pair[0]}\nr'={pair[1]}" if (pair := ranks(str(arm))) else "every\nweight" for arm in chosen.index]
    axis.set_xticks(place, names)
    axis.set_ylabel("single: right answers (%)")
    _plain(axis)


def _plain(axis: Axes) -> None:
    axis.set_ylim(0, 104)
    axis.spines[["top", "right"]].set_visible(False)
    axis.legend(fontsize=8, frameon=False, loc="lower left", bbox_to_anchor=(0, 1), ncols=2)


def _gap(arms: Arms) -> Estimate:
    return minus(best(arms, 128), best(arms, 0))(arms)


# facts A10 and the LoRA part of A2
CLAIMS = (
    Statement("A10", "the embedding's update is needed: r'=128 above r'=0 (points)", "25.0", ("r2_e0", "r2_e128"), _gap,
              Between(10)),
    Statement("A10.level", "with it, LoRA extracts from multi5+permute", "96.6", ("r2_e128",),
              lambda arms: mean(best(arms, 128))(arms), Between(85)),
    Statement("A10.full", "and is not below training every weight (points)", "2.0", ("full", "r2_e128"),
              lambda arms: minus(best(arms, 128), "full")(arms), Between(-5)),
    Statement("A2.lora", "single is not extracted by LoRA either", "9.7", ("single_r8_e128",),
              lambda arms: mean(best(arms, 128, single=True))(arms), Between(high=15)),
)  # fmt: skip


def claims(arms: Arms, shows: bool, scale: str) -> list[Claim]:
    """Hold claims A10 and A2 against the rows; ranks are chosen on people of P_train."""
    return judge(CLAIMS, arms, shows, scale)
