"""Figures: a module each with `draw`, `table` and `claims` over rows, and the paper's numbers as data."""

import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from physics_lm import results
from physics_lm.bootstrap import Estimate

SCALES = ("smoke", "laptop", "gpu", "paper")  # from what shows nothing to what shows everything


@dataclass(frozen=True)
class Claim:
    """A statement of a paper with its number, ours, and what is accepted.

    holds: the point estimate meets `accept`; sure: the whole interval does. Both are None, with a
    reason, where the scale or the arms cannot carry the claim.
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
    """An accepted range (low, high), its ends excluded, in percent or points."""

    low: float = float("-inf")
    high: float = float("inf")

    def __str__(self) -> str:
        if self.low == float("-inf"):
            return f"below {self.high:g}"
        return f"above {self.low:g}" if self.high == float("inf") else f"{self.low:g} to {self.high:g}"

    def judge(self, id: str, statement: str, paper: str, ours: Estimate) -> Claim:
        """Hold an estimate against the range."""
        holds = self.low < ours.value < self.high
        sure = self.low < ours.low and ours.high < self.high
        value, low, high = (round(float(x), 2) for x in (ours.value, ours.low, ours.high))
        return Claim(id, statement, paper, value, low, high, str(self), holds, sure)

    def not_carried(self, id: str, statement: str, paper: str, reason: str) -> Claim:
        """List the claim without a judgement, and why."""
        return Claim(id, statement, paper, None, None, None, str(self), None, None, reason)


Arms = dict[str, pd.DataFrame]  # the rows of every arm that is drawn
Measure = Callable[[Arms], Estimate]


@dataclass(frozen=True)
class Statement:
    """A claim before it is judged: what it says, the arms it needs, how it is measured, what is accepted.

    scale: the reason why a scale cannot carry it, by the scale's name. laptop: what is accepted there instead.
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
        """Hold the rows against the claim; where it cannot be carried, say why.

        It is measured also where a scale shows nothing, so that what cannot be measured is found there.
        """
        told, accept = (self.id, self.statement, self.paper), (scale == "laptop" and self.laptop) or self.accept
        reason = dict(self.scale).get(scale) or self._lacks(arms)
        ours = None if reason else self.measure(arms)
        if ours is None or not shows:
            return accept.not_carried(*told, reason if shows else only_runs(scale))
        return accept.judge(*told, ours)

    def _lacks(self, arms: Arms) -> str:
        """Return what to do where arms are missing, else nothing."""
        missing = [arm for arm in self.needs if arm not in arms]
        rest = f" and {len(missing) - 4} more" if len(missing) > 4 else ""
        return needs(", ".join(missing[:4]) + rest) if missing else ""


def drawn(lab: Path | str, name: str) -> str:
    """Return the scale at which a lab has drawn a figure, the one that shows most where there are several."""
    there = [scale for scale in SCALES if (Path(lab) / "figures" / scale / name / "manifest.json").exists()]
    if not there:
        raise FileNotFoundError(f"no figure {name} under {lab}: python -m experiments.reproduce figure={name}")
    return there[-1]


def load(lab: Path | str, name: str, scale: str) -> Arms:
    """Return the rows of every arm of a figure that was drawn in a lab, by its manifest."""
    manifest = json.loads((Path(lab) / "figures" / scale / name / "manifest.json").read_text())
    keys: dict[str, list[str]] = {}
    for run, steps in manifest["runs"].items():
        keys.setdefault(run.partition(" seed=")[0], []).append(steps["probe"]["key"])
    return {arm: results.load(lab, runs) for arm, runs in keys.items()}


def only_runs(scale: str) -> str:
    """Return why a scale that shows no phenomenon carries no claim."""
    return f"scale={scale} only shows that the code runs"


def needs(arms: str) -> str:
    """Return what to do where a claim is about arms that are not drawn."""
    return f"needs the arms {arms}: figure.arms=all, or a list that has them"


def judge(statements: Iterable[Statement], arms: Arms, shows: bool, scale: str) -> list[Claim]:
    """Judge every statement on the rows."""
    return [statement.judge(arms, shows, scale) for statement in statements]
