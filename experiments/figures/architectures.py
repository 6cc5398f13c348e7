"""Part 3.1, Figure 12: other architectures of the same shape rank the augmentations alike."""

import pandas as pd
from matplotlib.figure import Figure

from experiments.figures import Arms, Between, Claim, Statement, judge
from experiments.figures import architectures_paper as paper
from experiments.figures._shared.accuracy import (
    BLUE,
    GREEN,
    ORANGE,
    attributes,
    bars,
    cells,
    mean,
    means,
    minus,
    tokens,
)
from experiments.figures._shared.plotting import heat, panels, titled

TITLE = "GPT-2, Llama and Mistral of one shape: augmentation decides, not the architecture"
KINDS = {"gpt2_rotary": ("GPT-2 rotary", BLUE), "llama": ("Llama", ORANGE), "mistral": ("Mistral", GREEN)}


def table(arms: Arms) -> pd.DataFrame:
    """Return a row per arm and attribute (and their mean): held-out accuracy, interval, baseline, paper."""
    return cells(arms, paper.values)


def kind(arm: str) -> str:
    """Return the architecture of an arm."""
    return next(name for name in KINDS if arm.startswith(name))


def label(arm: str) -> str:
    """Return an arm's name: architecture and corpus."""
    corpus = arm.removeprefix(kind(arm) + "_").replace("_", "+")
    return f"{KINDS[kind(arm)][0]}, {corpus}"


def draw(arms: Arms, found: pd.DataFrame, caption: str) -> Figure:
    """Draw bars with intervals and the paper's values beside a heat map by attribute."""
    names = sorted(arms, key=lambda arm: arm.endswith("multi5_permute"))
    labels = [label(name) for name in names]
    figure, (left, right) = panels(12.5, 1.9 + 0.42 * len(names), 2, [1.7, 1])
    bars(left, means(found).loc[names], labels, [KINDS[kind(name)][1] for name in names])
    heat(right, attributes(found, names), "ours, by attribute (%)", [""] * len(names))
    return titled(figure, TITLE, caption)


def _of(name: str, words: str, low: str, high: str) -> tuple[Statement, ...]:
    """Return the claims about one architecture, with the paper's numbers for it."""
    single, multi = f"{name}_single", f"{name}_multi5_permute"
    return (
        Statement(f"A19.{name}.single", f"{words}, single", low, (single,), mean(single), Between(high=15)),
        Statement(f"A19.{name}.bio", f"{words}, single: entries known", ">99", (single,), tokens(single), Between(98)),
        Statement(f"A19.{name}.multi5", f"{words}, multi5+permute", high, (multi,), mean(multi), Between(80)),
    )  # fmt: skip


# facts A19
CLAIMS = (
    *_of("llama", "Llama", "3.5", "92.7"),
    Statement(
        "A19.lower",
        "Llama stays below GPT-2 on multi5+permute (points)",
        "-3.9",
        ("llama_multi5_permute", "gpt2_rotary_multi5_permute"),
        minus("llama_multi5_permute", "gpt2_rotary_multi5_permute"),
        Between(high=0),
    ),
    *_of("mistral", "Mistral", "not tried", "not tried"),
)


def claims(arms: Arms, shows: bool, scale: str) -> list[Claim]:
    """Hold claim A19 against the rows."""
    return judge(CLAIMS, arms, shows, scale)
