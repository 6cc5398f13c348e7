"""Part 3.1, Figure 5 (bioS, GPT2 124M): first-token P-probe accuracy in percent by attribute and position.

In a fixed order nothing is given after an attribute's own position. A position that the text leaves out is None.
_WHOLE: Figure 13, whole values at position 0: birth city, university, major, employer, company city.
APART: ending of an arm that repeats another arm with an embedding update of its own for each task.
"""

from data_gen.people.attributes import NAMES

APART = "_apart"
Cells = tuple[float | None, ...]
CHANCE: dict[str, float] = dict(zip(NAMES, (8.3, 2.5, 37.0, 4.0, 1.5, 14.8), strict=True))


def _at_start(*values: float) -> tuple[Cells, ...]:
    return tuple((value, None, None, None, None, None) for value in values)


_FIRST: dict[str, tuple[Cells, ...]] = {
    "single": (
        (100,), (5.9, 100), (38.0, 37.1, 99.2), (4.7, 4.6, 5.4, 99.9), (1.5, 1.2, 1.3, 2.4, 99.5),
        (15.4, 15.4, 14.9, 13.0, 69.1, 100),
    ),
    "single_fullname": (
        (100,), (52.1, 100), (67.3, 74.2, 99.9), (51.9, 56.3, 58.4, 99.8), (47.2, 53.1, 52.5, 55.5, 99.3),
        (28.2, 31.3, 30.9, 32.9, 75.8, 99.9),
    ),
    "multi2": (
        (100,), (70.7, 100), (47.8, 74.8, 99.9), (18.9, 30.1, 60.1, 99.6), (3.0, 3.8, 8.4, 34.6, 99.3),
        (15.0, 14.6, 13.9, 21.8, 66.9, 100),
    ),
    "multi5": (
        (100,), (44.6, 100), (44.0, 77.2, 99.8), (42.0, 60.1, 76.1, 99.5), (5.5, 7.1, 10.7, 37.5, 98.5),
        (14.0, 13.8, 14.8, 21.6, 56.2, 100),
    ),
    "multi5_fullname": (
        (100,), (100, 100), (98.7, 99.8, 100), (99.3, 99.9, 99.9, 99.9), (98.1, 99.6, 99.7, 99.7, 100),
        (58.8, 65.1, 67.2, 68.6, 72.0, 99.9),
    ),
    "single_permute1": (
        (26.1, 28.9, 32.8, 40.5, 56.8, 100), (19.2, 22.9, 28.5, 36.8, 53.3, 100), (47.5, 50.1, 53.0, 57.6, 69.2, 98.8),
        (20.2, 24.2, 28.8, 37.6, 55.5, 100), (21.4, 33.0, 45.5, 57.9, 72.6, 98.3), (27.1, 45.3, 62.2, 78.1, 92.2, 100),
    ),
    "single_permute2": (
        (87.7, None, None, None, 94.0, 100), (52.1, None, None, None, 73.7, 100), (65.6, None, None, None, 80.7, 99.9),
        (61.1, None, None, None, 80.6, 100), (61.6, None, None, None, 91.9, 99.9), (66.9, None, None, None, 97.1, 100),
    ),
    "single_permute5": (
        (96.1, None, None, None, 97.9, 100), (58.0, None, None, None, 76.8, 100), (71.5, None, None, None, 84.1, 99.9),
        (72.5, None, None, None, 84.7, 100), (97.0, None, None, None, 98.6, 100), (99.3, None, None, None, 99.9, 100),
    ),
    "single_permute1_fullname": _at_start(58.8, 37.4, 54.9, 42.0, 43.2, 49.5),
    "single_permute2_fullname": _at_start(81.5, 57.7, 69.7, 65.3, 91.9, 96.3),
    "single_permute5_fullname": _at_start(88.8, 63.5, 76.8, 70.4, 98.0, 99.9),
    "multi2_permute": (
        (100,) * 6, (99.9,) * 6, (99.9,) * 6, (99.5, None, None, None, None, 100),
        (93.3, 95.3, 96.8, 98.0, 98.8, 99.9), (90.2, 92.8, 95.0, 96.8, 98.6, 100),
    ),
    "multi5_permute": (
        (100,) * 6, (100,) * 6, (100,) * 6, (100,) * 6, (99.9, None, None, None, None, 100),
        (99.8, None, None, None, None, 100),
    ),
}  # fmt: skip
_WHOLE: dict[str, tuple[float, ...]] = {
    "single": (5.0, 0.8, 1.7, 0.6, 14.3),
    "single_fullname": (48.9, 34.2, 42.9, 44.2, 29.4),
    "single_permute5": (56.4, 45.1, 66.7, 96.6, 99.2),
    "multi5": (42.7, 14.1, 38.2, 5.0, 13.0),
    "multi5_permute": (96.6, 75.5, 96.1, 99.6, 99.6),
}


def value(arm: str, task: str, attribute: str, position: int) -> float | None:
    """Return the paper's number of a cell, None where it gives none. task: first or whole."""
    arm = arm.removesuffix(APART)
    if task == "whole":
        cells: Cells = _WHOLE.get(arm, ()) if position == 0 else ()
        position = NAMES.index(attribute) - 1
    else:
        cells = _FIRST[arm][NAMES.index(attribute)] if arm in _FIRST else ()
    return cells[position] if position < len(cells) else None
