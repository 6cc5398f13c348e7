"""Figures: a module each with `table`, `draw` and `claims` over rows of answers, and the paper's numbers in `*_paper`.

This file defines claims: statements with accepted ranges, judged by the rows of a figure's arms.
"""

import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from physics_lm import results
from physics_lm.bootstrap import Estimate

SCALES = ("smoke", "laptop", "gpu", "paper")  # from the smallest to the largest


@dataclass(frozen=True)
class Claim:
    """A statement of a paper with the paper's number, our estimate and the accepted range.

    holds: the point estimate lies in the range `accept`; sure: its whole interval does. Both are None, and `reason`
    says why, where the scale or the arms cannot decide the claim.
    """

    id: str
    statement: str
    paper: str
    ours: float | None
    low: float | None
    high: float | None
    accept: str
    holds: bool | None
    sure: bool | None
    reason: str = ""


@dataclass(frozen=True)
class Between:
    """An accepted range (low, high) without its ends, in percent or points."""

    low: float = float("-inf")
    high: float = float("inf")

    def __str__(self) -> str:
        if self.low == float("-inf"):
            return f"below {self.high:g}"
        return f"above {self.low:g}" if self.high == float("inf") else f"{self.low:g} to {self.high:g}"

    def judge(self, id: str, statement: str, paper: str, ours: Estimate) -> Claim:
        """Return the claim, judged by whether the estimate lies in the range."""
        holds = self.low < ours.value < self.high
        sure = self.low < ours.low and ours.high < self.high
        value, low, high = (round(float(x), 2) for x in (ours.value, ours.low, ours.high))
        return Claim(id, statement, paper, value, low, high, str(self), holds, sure)

    def unjudged(self, id: str, statement: str, paper: str, reason: str) -> Claim:
        """Return the claim without a judgement, and the reason for that."""
        return Claim(id, statement, paper, None, None, None, str(self), None, None, reason)


Arms = dict[str, pd.DataFrame]  # the rows of answers of each arm in a figure
Measure = Callable[[Arms], Estimate]


@dataclass(frozen=True)
class Statement:
    """A claim before it is judged: its text, the arms it needs, its measure and the accepted range.

    scale: pairs of a scale's name and the reason why that scale cannot decide the claim. laptop: the range that is
    accepted at scale=laptop instead.
    """

    id: str
    statement: str
    paper: str
    needs: tuple[str, ...]
    measure: Measure
    accept: Between
    scale: tuple[tuple[str, str], ...] = ()
    laptop: Between | None = None

    def judge(self, arms: Arms, shows: bool, scale: str) -> Claim:
        """Return the claim judged by the rows, or unjudged with the reason.

        shows: whether the scale is large enough for the phenomena. The measure is computed even where it is not, so
        that a smoke run exercises every measure.
        """
        text, accept = (self.id, self.statement, self.paper), (scale == "laptop" and self.laptop) or self.accept
        reason = dict(self.scale).get(scale) or self._missing_arms(arms)
        ours = None if reason else self.measure(arms)
        if ours is None or not shows:
            return accept.unjudged(*text, reason if shows else smoke_reason(scale))
        return accept.judge(*text, ours)

    def _missing_arms(self, arms: Arms) -> str:
        """Return the reason that names up to four missing arms; empty where none is missing."""
        missing = [arm for arm in self.needs if arm not in arms]
        rest = f" and {len(missing) - 4} more" if len(missing) > 4 else ""
        return missing_arms_reason(", ".join(missing[:4]) + rest) if missing else ""


def largest_scale(lab: Path | str, name: str) -> str:
    """Return the largest scale at which a figure was drawn in a lab.

    Raises FileNotFoundError where the lab has not drawn it.
    """
    scales = [scale for scale in SCALES if (Path(lab) / "figures" / scale / name / "manifest.json").exists()]
    if not scales:
        raise FileNotFoundError(f"no figure {name} under {lab}: python -m experiments.reproduce figure={name}")
    return scales[-1]


def load(lab: Path | str, name: str, scale: str) -> Arms:
    """Return the rows of every arm of a figure that was drawn in a lab, as its manifest lists them."""
    manifest = json.loads((Path(lab) / "figures" / scale / name / "manifest.json").read_text())
    keys: dict[str, list[str]] = {}
    for run, steps in manifest["runs"].items():
        keys.setdefault(run.partition(" seed=")[0], []).append(steps["probe"]["key"])
    return {arm: results.load(lab, runs) for arm, runs in keys.items()}


def smoke_reason(scale: str) -> str:
    """Return the reason why a scale too small for the phenomena decides no claim."""
    return f"scale={scale} only shows that the code runs"


def missing_arms_reason(arms: str) -> str:
    """Return the reason why a claim about missing arms is not judged, with the setting that adds them."""
    return f"needs the arms {arms}: figure.arms=all, or a list that has them"


def judge(statements: Iterable[Statement], arms: Arms, shows: bool, scale: str) -> list[Claim]:
    """Return every statement, judged by the rows."""
    return [statement.judge(arms, shows, scale) for statement in statements]
