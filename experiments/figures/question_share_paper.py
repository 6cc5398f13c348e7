"""Part 3.1, Figure 10 (bioS): held-out QA of mixed training in percent, mean of six, by question share."""

SHARES = (10, 20, 30, 40, 60, 80, 90)
MEANS: dict[str, tuple[float, ...]] = {
    "single": (24.5, 53.6, 70.5, 77.5, 87.1, 85.7, 81.8),
    "multi5_permute": (96.6, 96.3, 95.9, 96.2, 95.8, 95.2, 93.9),
}


def values(arm: str) -> tuple[float, ...]:
    """Return the paper's mean of an arm named CORPUS_SHARE."""
    corpus, _, share = arm.rpartition("_")
    return (MEANS[corpus][SHARES.index(int(share))],)
