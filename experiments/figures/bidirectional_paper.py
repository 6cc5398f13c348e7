"""Part 3.1, Figure 9: held-out QA of bidirectional models in percent, mean of six, and of causal models."""

from experiments.figures import extraction_paper

CORPORA = {"": "multi5_permute", "_fullname": "multi5_permute_fullname", "_single": "single"}
MEANS: dict[str, float] = {
    "bidirectional": 3.9,
    "bidirectional_mixed": 31.5,
    "bidirectional_fullname": 34.8,
    "bidirectional_fullname_mixed": 41.3,
    "bidirectional_single": 3.7,
    "bidirectional_single_mixed": 30.1,
}


def values(arm: str) -> tuple[float, ...]:
    """Return the paper's numbers of an arm: the mean alone for a bidirectional one, else with the attributes."""
    if arm in MEANS:
        return (MEANS[arm],)
    mixed = "_mixed" if arm.endswith("_mixed") else ""
    return extraction_paper.values(CORPORA[arm.removesuffix("_mixed").removeprefix("causal")] + mixed)
