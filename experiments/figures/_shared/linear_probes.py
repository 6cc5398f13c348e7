"""Columns and measures of the figures of linear probes."""

from typing import Any

import pandas as pd

from experiments.figures import Between
from physics_lm import results
from physics_lm.bootstrap import Estimate

FIRST, WHOLE = "first", "whole"  # tasks: an attribute's first token, its whole value
# 90% right where always the most frequent class has 37%, as for universities in the paper
WELL_ABOVE = Between(53)


def held_out_rows(rows: pd.DataFrame, task: str, attribute: str, position: int = 0) -> pd.DataFrame:
    """Return an arm's rows of one task, attribute and position, of people that no probe was trained on."""
    chosen = (rows["task"] == task) & (rows["attribute"] == attribute) & (rows["position"] == position)
    return rows[chosen & (rows["split"] == "test")]


def cell_columns(rows: pd.DataFrame) -> dict[str, Any]:
    """Return the columns of one cell of a table.

    accuracy, low, high (percent, bootstrap over people), questions, classes, majority and shuffled (always P_train's
    most frequent class, and the control trained on shuffled labels, percent), unseen (classes that nobody of P_train
    has).
    """
    estimate = results.clustered(rows)
    return {
        "accuracy": round(estimate.value, 2), "low": round(estimate.low, 2), "high": round(estimate.high, 2),
        "questions": len(rows), "classes": int(rows["classes"].max()),
        "majority": round(100 * rows["majority"].mean(), 2), "shuffled": round(100 * rows["shuffled"].mean(), 2),
        "unseen": "; ".join(sorted(rows.loc[~rows["seen"].astype(bool), "gold"].unique())),
    }  # fmt: skip


def excess(rows: pd.DataFrame) -> Estimate:
    """Return a probe's accuracy minus that of always answering P_train's most frequent class, in points."""
    gain = rows["correct"].astype(float) - rows["majority"].astype(float)
    return results.clustered(rows[["attribute", "person", "seed"]].assign(gain=gain), "gain")
