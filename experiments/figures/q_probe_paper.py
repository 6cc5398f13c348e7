"""Part 3.1, Figure 7 (bioS, GPT2 124M): Q-probe accuracy in percent.

FIRST: first tokens of the six attributes. WHOLE: whole values of all but the birth date. With the fine-tuned answers
of Figure 3 the first tokens have a Pearson's correlation of 0.95 over sets and attributes, and their means a Spearman's
of 0.99 over sets (computed from both tables, and tested).
"""

from data_gen.people.attributes import NAMES

FIRST: dict[str, tuple[float, ...]] = {
    "single": (63.4, 1.9, 37.5, 3.1, 0.2, 13.1),
    "single_fullname": (78.8, 47.5, 65.4, 51.0, 47.4, 28.9),
    "single_permute1": (10.2, 1.2, 37.5, 2.9, 0.7, 12.8),
    "single_permute2": (85.4, 42.1, 60.1, 55.7, 53.8, 59.1),
    "single_permute5": (95.3, 49.7, 66.6, 68.6, 96.5, 99.1),
    "single_permute1_fullname": (50.1, 20.9, 42.6, 27.1, 27.3, 34.7),
    "single_permute2_fullname": (77.8, 51.0, 63.3, 61.4, 92.1, 96.7),
    "single_permute5_fullname": (86.5, 59.0, 73.5, 64.2, 98.0, 99.9),
    "multi2": (100, 70.3, 45.1, 19.6, 0.7, 13.0),
    "multi2_fullname": (100, 100, 99.7, 99.7, 99.8, 69.2),
    "multi2_permute": (99.9, 99.9, 99.6, 99.4, 93.9, 90.2),
    "multi2_permute_fullname": (99.7, 100, 100, 99.9, 99.9, 99.4),
    "multi5": (100, 39.8, 40.3, 40.1, 3.2, 13.2),
    "multi5_fullname": (100, 100, 98.3, 99.4, 98.5, 63.1),
    "multi5_permute": (100, 100, 99.9, 100, 99.9, 99.8),
    "multi5_permute_fullname": (100, 100, 99.8, 100, 100, 99.8),
}
WHOLE: dict[str, tuple[float, ...]] = {
    "single": (1.1, 0.3, 1.4, 0.1, 11.6),
    "single_fullname": (43.9, 31.2, 40.8, 44.4, 28.9),
    "single_permute1": (0.5, 0.4, 1.5, 0.6, 12.0),
    "single_permute2": (39.6, 30.9, 48.8, 53.5, 58.5),
    "single_permute5": (47.7, 40.7, 63.0, 96.2, 98.9),
    "single_permute1_fullname": (19.3, 13.5, 21.2, 26.8, 33.4),
    "single_permute2_fullname": (48.1, 35.0, 51.5, 91.9, 96.6),
    "single_permute5_fullname": (56.8, 40.8, 56.6, 97.9, 99.9),
    "multi2": (66.8, 14.9, 14.8, 0.7, 11.8),
    "multi2_fullname": (94.5, 62.2, 84.2, 95.2, 72.5),
    "multi2_permute": (98.2, 78.6, 95.5, 93.1, 89.4),
    "multi2_permute_fullname": (95.4, 64.6, 88.1, 99.4, 99.1),
    "multi5": (38.1, 9.7, 36.1, 2.3, 11.9),
    "multi5_fullname": (95.2, 58.7, 87.1, 94.1, 66.9),
    "multi5_permute": (96.1, 72.6, 94.9, 99.6, 99.7),
    "multi5_permute_fullname": (95.4, 68.1, 92.0, 99.9, 99.8),
}


def value(arm: str, task: str, attribute: str) -> float | None:
    """Return the paper's number of a cell, None where it gives none. task: first or whole."""
    if task == "first":
        return FIRST[arm][NAMES.index(attribute)] if arm in FIRST else None
    return WHOLE[arm][NAMES.index(attribute) - 1] if arm in WHOLE else None
