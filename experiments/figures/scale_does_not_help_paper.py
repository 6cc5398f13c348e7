"""Part 3.1, Figure 2: `single` fully fine-tuned, held-out QA in percent, mean of six.

124M weights and 80,000 steps (540 exposures), 302M and 150,000 (1000, bioR), 682M and 200,000 (1350).
"""

MEANS: dict[str, float] = {"small_low": 7.5, "base_mid": 7.8, "large_high": 4.4}


def values(arm: str) -> tuple[float, ...]:
    """Return the paper's numbers of an arm, none where it has none."""
    return (MEANS[arm],) if arm in MEANS else ()
