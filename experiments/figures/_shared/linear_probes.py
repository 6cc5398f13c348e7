"""What the figures of linear probes share: their columns, and how far a probe is above its baseline."""

from typing import Any

import pandas as pd

from experiments.figures import Between
from physics_lm import results
from physics_lm.bootstrap import Estimate

FIRST, WHOLE = "first", "whole"
MOST = Between(53)  # 90 right where always the most frequent class has 37, as universities do in the paper


def held(rows: pd.DataFrame, task: str, attribute: str, position: int = 0) -> pd.DataFrame:
    """Return an arm's rows of one task, attribute and position, of people that no probe was trained on."""
    chosen = (rows["task"] == task) & (rows["attribute"] == attribute) & (rows["position"] == position)
    return rows[chosen & (rows["split"] == "test")]


def measured(part: pd.DataFrame) -> dict[str, Any]:
    """Return the columns of a cell.

    accuracy, low, high (percent, bootstrap over people), questions, classes, majority and shuffled (always P_train's
    most frequent class, and the control trained on shuffled labels, percent), unseen (classes that nobody of P_train
    has).
    """
    found = results.clustered(part)
    return {
        "accuracy": round(found.value, 2),
        "low": round(found.low, 2),
        "high": round(found.high, 2),
        "questions": len(part),
        "classes": int(part["classes"].max()),
        "majority": round(100 * part["majority"].mean(), 2),
        "shuffled": round(100 * part["shuffled"].mean(), 2),
        "unseen": "; ".join(sorted(part.loc[~part["seen"].astype(bool), "gold"].unique())),
    }


def excess(part: pd.DataFrame) -> Estimate:
    """Return how far a probe is above always answering with P_train's most frequent class, in points."""
    gain = part["correct"].astype(float) - part["majority"].astype(float)
    return results.clustered(part[["attribute", "person", "seed"]].assign(gain=gain), "gain")
