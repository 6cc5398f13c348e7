"""Part 3.1, Figures 2 and 11 (bioS): held-out QA in percent, mean of six, by method; the numbers that the text gives.

Its main tables take r'=128 and the better of r=8 and 16 (96.6 on multi5+permute); r'=0 with r=2 gives 71.6 there.
"""

MEANS: dict[str, float] = {
    "full": 94.6,
    "r2_e0": 71.6,
    "r8_e128": 96.6,
    "r16_e128": 96.6,
    "single_full": 7.5,
    "single_r2_e0": 5.7,
    "single_r8_e128": 9.4,
    "single_r16_e128": 9.7,
}
TRAIN: dict[str, float] = {"single_full": 98.9, "single_r8_e128": 25.0, "single_r16_e128": 27.3}


def values(arm: str) -> tuple[float, ...]:
    """Return the paper's numbers of an arm, none where it has none."""
    return (MEANS[arm],) if arm in MEANS else ()
