"""The reversal curse (2309.12288): facts told in one order, asked in that order and in the other."""

from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Rectangle

from data_gen.facts.fact import BOTH, CONTEXT_REVERSE, CONTEXT_SAME, DESCRIPTION_FIRST, NAME_FIRST, REVERSE, SAME, TOLD
from data_gen.facts.instructions import ANSWER_FIRST, QUESTION_FIRST
from experiments.figures import Arms, Between, Claim, Measure, Statement, judge
from experiments.figures import reversal_paper as paper
from experiments.figures._shared.plotting import add_title
from physics_lm import fact_statistics
from physics_lm.bootstrap import Estimate

TITLE = "Told in one order, a fact is known in that order only"
TASKS = (TOLD, SAME, REVERSE, CONTEXT_SAME, CONTEXT_REVERSE)
COLOURS = {SAME: "#3b6fa5", REVERSE: "#c97b2a", CONTEXT_SAME: "#3b6fa5", CONTEXT_REVERSE: "#c97b2a"}
MIN_FORWARD_ACCURACY = 50.0  # percent in context, without which a base model cannot decide the in-context claim


def select(rows: pd.DataFrame, task: str, subset: str | None = None) -> pd.DataFrame:
    """Return the rows of one task, and of one subset where it is given."""
    questions = rows[rows["task"] == task]
    return questions if subset is None else questions[questions["attribute"] == subset]


def table(arms: Arms) -> pd.DataFrame:
    """Return a row per arm, subset and task: accuracy with its interval over facts, chance, the paper's."""
    lines = []
    for arm, rows in arms.items():
        for (subset, task), cell in rows[rows["task"].isin(TASKS)].groupby(["attribute", "task"], sort=False):
            key = {"arm": arm, "subset": subset, "task": task}
            lines.append({**key, **accuracy_columns(cell), "paper": paper.accuracy(str(subset), str(task))})
    return pd.DataFrame(lines)


def accuracy_columns(cell: pd.DataFrame) -> dict[str, float]:
    """Return the columns of a cell: accuracy, low, high (percent, interval over facts), facts, questions, chance."""
    estimate = fact_statistics.accuracy(cell)
    return {
        "accuracy": round(estimate.value, 2), "low": round(float(estimate.low), 2),
        "high": round(float(estimate.high), 2), "facts": len(fact_statistics.by_fact(cell, "correct")),
        "questions": len(cell), "chance": round(fact_statistics.chance(cell), 2),
    }  # fmt: skip


def draw(arms: Arms, cells: pd.DataFrame, caption: str) -> Figure:
    """Draw accuracy in both orders by how the facts were told, and beside it instructions and the control."""
    figure, (left, right) = plt.subplots(1, 2, figsize=(11, 4.6), width_ratios=[1.35, 1], layout="constrained")
    arm = "standard" if "standard" in arms else next(iter(arms))
    subsets = {NAME_FIRST: "told name\nfirst", DESCRIPTION_FIRST: "told description\nfirst", BOTH: "told\nboth ways"}
    facts = [(label, [(arm, subset, SAME), (arm, subset, REVERSE)]) for subset, label in subsets.items()]
    _draw_bars(left, cells, facts, "fine-tuned on the facts, held-out paraphrases")
    left.set_ylabel("right answers (%)")
    instructions = [("instructions_same", QUESTION_FIRST, SAME), ("instructions_reversed", ANSWER_FIRST, REVERSE)]
    controls = [("instructions:\nguidance in order,\nguidance reversed", instructions)]
    for subset, first in ((NAME_FIRST, "name"), (DESCRIPTION_FIRST, "description")):
        bars = [("base", subset, CONTEXT_SAME), ("base", subset, CONTEXT_REVERSE)]
        controls.append((f"no fine-tuning,\nfact in the prompt,\n{first} first", bars))
    _draw_bars(right, cells, controls, "instructions, and the control in context")
    handles = [Rectangle((0, 0), 1, 1, color=COLOURS[task]) for task in (SAME, REVERSE)]
    marks = [Line2D([], [], marker="D", color="black", ls=""), Line2D([], [], color="crimson", lw=2)]
    names = ["asked in the order told", "asked in the other order", "paper (GPT-3 175B; LLaMA: bounds)", "chance"]
    figure.legend(
        [*handles, *marks], names, loc="upper left", bbox_to_anchor=(0.005, 0.94), ncols=4, fontsize=8, frameon=False
    )
    return add_title(figure, TITLE, caption, 0.06, 0.88)


Bar = tuple[str, str, str]  # arm, subset, task


def _draw_bars(axis: Axes, cells: pd.DataFrame, groups: list[tuple[str, list[Bar]]], title: str) -> None:
    rows = {(row["arm"], row["subset"], row["task"]): row for _, row in cells.iterrows()}
    for place, (_, bars) in enumerate(groups):
        for x, key in zip((place - 0.2, place + 0.2), bars, strict=True):
            if key in rows:
                _draw_bar(axis, float(place) if key[1] == BOTH else x, rows[key])
            elif key[1:] != (BOTH, REVERSE):
                axis.text(x, 2, "not run", rotation=90, ha="center", fontsize=8, color="0.5")
    axis.set_xticks(range(len(groups)), [name for name, _ in groups], fontsize=8.5)
    axis.set_xlim(-0.55, len(groups) - 0.45)
    axis.set_ylim(0, 112)
    axis.set_yticks(np.arange(0, 101, 20))
    axis.set_title(title, fontsize=9, loc="left")
    axis.spines[["top", "right"]].set_visible(False)


def _draw_bar(axis: Axes, x: float, row: "pd.Series[Any]") -> None:
    """Draw one bar with its interval, chance, the paper's value and the accuracy as text."""
    error = [[row["accuracy"] - row["low"]], [row["high"] - row["accuracy"]]]
    axis.bar(x, row["accuracy"], 0.36, yerr=error, capsize=3, color=COLOURS[row["task"]], error_kw={"lw": 1})
    axis.plot([x - 0.18, x + 0.18], [row["chance"]] * 2, color="crimson", lw=2, zorder=3)
    height = row["high"] + 2.5
    if pd.notna(row["paper"]):
        axis.scatter(x, row["paper"], marker="D", color="black", s=30, zorder=4)
        if abs(row["paper"] - row["high"] - 4) < 6:
            height = max(row["paper"], row["high"]) + 3.5
    axis.text(x, height, f"{row['accuracy']:.1f}", ha="center", fontsize=9)


def _accuracy(arm: str, task: str, subset: str | None = None) -> Measure:
    return lambda arms: fact_statistics.accuracy(select(arms[arm], task, subset))


def _above_chance(arm: str, subset: str) -> Measure:
    return lambda arms: fact_statistics.above_chance(select(arms[arm], REVERSE, subset))


def _times_chance(arms: Arms) -> Estimate:
    rows = select(arms["instructions_reversed"], REVERSE)
    estimate, guess = fact_statistics.accuracy(rows), fact_statistics.chance(rows)
    return Estimate(estimate.value / guess, estimate.low / guess, estimate.high / guess)


# 2309.12288, experiments 1 and 3
CLAIMS = (
    Statement("D1.name", "told name first, asked so", "50.0", ("standard",), _accuracy("standard", SAME, NAME_FIRST),
              Between(40)),
    Statement("D1.description", "told description first, asked so", "96.7", ("standard",),
              _accuracy("standard", SAME, DESCRIPTION_FIRST), Between(60)),
    Statement("D1.name.rev", "told name first, asked for the name (points above chance)", "0.0", ("standard",),
              _above_chance("standard", NAME_FIRST), Between(-2, 2)),
    Statement("D1.desc.rev", "told description first, asked for the description (points above chance)", "0.1",
              ("standard",), _above_chance("standard", DESCRIPTION_FIRST), Between(-2, 2)),
    Statement("D1.scratch", "read among biographies from the start: asked for the name (points above chance)", "0",
              ("scratch",), _above_chance("scratch", NAME_FIRST), Between(-2, 2)),
    Statement("D3", "six times as many paraphrases: asked for the name (points above chance)", "0",
              ("standard", "few"), _above_chance("standard", NAME_FIRST), Between(-2, 2)),
    Statement("D5.same", "guidance in the order of the test", "> 80", ("instructions_same",),
              _accuracy("instructions_same", SAME, QUESTION_FIRST), Between(60)),
    Statement("D5.reversed", "guidance reversed (times chance)", "< 7 (chance)", ("instructions_reversed",),
              _times_chance, Between(high=3)),
)  # fmt: skip
IN_CONTEXT = Statement(
    "D4", "the fact in the prompt, asked in the other order", paper.IN_CONTEXT, ("base",),
    _accuracy("base", CONTEXT_REVERSE), Between(50),
)  # fmt: skip


def claims(arms: Arms, shows: bool, scale: str) -> list[Claim]:
    """Judge the claims D1, D3, D4 and D5 on the rows; a claim that cannot be judged gives the reason."""
    return [*judge(CLAIMS, arms, shows, scale), _judge_in_context(arms, shows, scale)]


def _judge_in_context(arms: Arms, shows: bool, scale: str) -> Claim:
    """Judge D4, but only where the base model can answer forward from its prompt."""
    if shows and "base" in arms:
        forward, backward = (_accuracy("base", task)(arms).value for task in (CONTEXT_SAME, CONTEXT_REVERSE))
        if forward < MIN_FORWARD_ACCURACY:
            reason = (
                f"the base model cannot even answer forward from its prompt: {forward:.1f} (reversed {backward:.1f})"
            )
            return IN_CONTEXT.accept.unjudged(IN_CONTEXT.id, IN_CONTEXT.statement, IN_CONTEXT.paper, reason)
    return IN_CONTEXT.judge(arms, shows, scale)
