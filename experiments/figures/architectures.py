"""Part 3.1, Figure 12: other architectures of the same shape rank the augmentations alike."""

import pandas as pd
from matplotlib.figure import Figure

from experiments.figures import Arms, Between, Claim, Statement, judge
from experiments.figures import architectures_paper as paper
from experiments.figures._shared import accuracy
from experiments.figures._shared.plotting import BLUE, GREEN, ORANGE, add_title, heat_map, panels

TITLE = "GPT-2, Llama and Mistral of one shape: augmentation decides, not the architecture"
ARCHITECTURES = {"gpt2_rotary": ("GPT-2 rotary", BLUE), "llama": ("Llama", ORANGE), "mistral": ("Mistral", GREEN)}


def table(arms: Arms) -> pd.DataFrame:
    """Return a row per arm and attribute (and their mean): held-out accuracy, interval, baseline, paper."""
    return accuracy.table(arms, paper.values)


def architecture(arm: str) -> str:
    """Return the architecture of an arm."""
    return next(name for name in ARCHITECTURES if arm.startswith(name))


def label(arm: str) -> str:
    """Return an arm's label: architecture and corpus."""
    corpus = arm.removeprefix(architecture(arm) + "_").replace("_", "+")
    return f"{ARCHITECTURES[architecture(arm)][0]}, {corpus}"


def draw(arms: Arms, cells: pd.DataFrame, caption: str) -> Figure:
    """Draw bars with intervals and the paper's values beside a heat map by attribute."""
    names = sorted(arms, key=lambda arm: arm.endswith("multi5_permute"))
    labels, colors = [label(name) for name in names], [ARCHITECTURES[architecture(name)][1] for name in names]
    figure, (left, right) = panels(12.5, 1.9 + 0.42 * len(names), 2, [1.7, 1])
    accuracy.bars(left, accuracy.mean_rows(cells).loc[names], labels, colors)
    heat_map(right, accuracy.by_attribute(cells, names), "ours, by attribute (%)", [""] * len(names))
    return add_title(figure, TITLE, caption)


def _statements(name: str, words: str, low: str, high: str) -> tuple[Statement, ...]:
    """Return the claims about one architecture, with the paper's accuracy on single (low) and on multi5+permute."""
    single, multi = f"{name}_single", f"{name}_multi5_permute"
    return (
        accuracy.mean_statement(f"A19.{name}.single", f"{words}, single", low, single, Between(high=15)),
        Statement(f"A19.{name}.bio", f"{words}, single: entries known", ">99", (single,), accuracy.tokens(single),
                  Between(98)),
        accuracy.mean_statement(f"A19.{name}.multi5", f"{words}, multi5+permute", high, multi, Between(80)),
    )  # fmt: skip


# Part 3.1, Figures 3 and 12
CLAIMS = (
    *_statements("llama", "Llama", "3.5", "92.7"),
    accuracy.difference_statement("A19.lower", "Llama stays below GPT-2 on multi5+permute (points)", "-3.9",
                                  "llama_multi5_permute", "gpt2_rotary_multi5_permute", Between(high=0)),
    *_statements("mistral", "Mistral", "not tried", "not tried"),
)  # fmt: skip


def claims(arms: Arms, shows: bool, scale: str) -> list[Claim]:
    """Return claim A19, judged by the rows."""
    return judge(CLAIMS, arms, shows, scale)
