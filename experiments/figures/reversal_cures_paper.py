"""What the papers say of each cure, asked in the other order (percent where a number was found).

2403.13799 (reverse training; its tables were not obtained): token and word reversal fail where an entity has
several tokens or words, entity-preserving and random-segment reversal do not. 2406.05183, Table (birth date to
name, 10,000 people; the ceiling is 93): autoregressive 0, with token-reversed copies 0, MLM-U (uniform rate) 68; with a
fixed share masked 8 at 40% and 85%, while at 15%, as in our masked arm, not even the order told was learned.
2602.02470 (identity sentences): about 40 with a 1B model.
"""

FOUND: dict[str, float] = {"standard": 0.0, "token": 0.0, "uniform": 68.0, "identity": 40.0}
SAID: dict[str, str] = {"word": "fails", "entity": "cures", "segment": "cures"}


def base_of(arm: str) -> str:
    """Return the cure of an arm, whatever it is trained from and with how many steps."""
    return arm.removesuffix("_data").removesuffix("_scratch")


def value(arm: str) -> float | None:
    """Return the paper's accuracy of an arm's cure in the other order, or None where none was found."""
    return FOUND.get(base_of(arm))
