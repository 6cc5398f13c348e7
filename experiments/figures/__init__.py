"""Figures: a module each with `draw`, `table` and `claims` over rows, and the paper's numbers as data."""

from dataclasses import dataclass

import pandas as pd

from physics_lm.results import Estimate


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


Arms = dict[str, pd.DataFrame]
