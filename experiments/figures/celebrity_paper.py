"""Part 3.1, Figures 8 and 17: the minority's held-out questions in percent, mean of six, then the attributes."""

from experiments.figures import extraction_paper

CELEBRITIES: dict[str, tuple[float, ...]] = {
    "single_permute1": (86.8, 98.3, 96.8, 90.7, 90.2, 71.7, 80.1),
    "single": (63.2, 95.1, 91.4, 70.6, 60.6, 45.0, 23.1),
    "single_permute1_fullname": (52.7, 62.3, 67.6, 60.4, 55.6, 33.1, 39.0),
}


def values(arm: str) -> tuple[float, ...]:
    """Return the paper's numbers of an arm; none for the control, run on bioR only (10.0 became 7.3)."""
    if arm.endswith("_unrelated"):
        return ()
    if arm.endswith("_celebrities"):
        return CELEBRITIES[arm.removesuffix("_celebrities")]
    return extraction_paper.values(arm)
