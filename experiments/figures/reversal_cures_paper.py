"""The papers' accuracy of each cure in the other order, in percent, or their verdict in words.

2403.13799 (reverse training; its tables were not obtained): token and word reversal fail where an entity has
several tokens or words, entity-preserving and random-segment reversal do not. 2406.05183, Table (birth date to
name, 10,000 people; the ceiling is 93): autoregressive 0, with token-reversed copies 0, MLM-U (uniform rate) 68; with a
fixed share masked 8 at 40% and 85%, while at 15%, as in our masked arm, not even the order told was learned.
2602.02470 (identity sentences): about 40 with a 1B model.
"""

ACCURACY: dict[str, float] = {"standard": 0.0, "token": 0.0, "uniform": 68.0, "identity": 40.0}
VERDICTS: dict[str, str] = {"word": "fails", "entity": "cures", "segment": "cures"}


def cure_of(arm: str) -> str:
    """Return the cure of an arm without the suffixes for training from scratch and for matched data."""
    return arm.removesuffix("_data").removesuffix("_scratch")


def accuracy(arm: str) -> float | None:
    """Return the paper's accuracy of an arm's cure in the other order, or None where the papers give no number."""
    return ACCURACY.get(cure_of(arm))
