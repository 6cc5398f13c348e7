"""Part 3.1, Figures 6 and 15: first-token P-probe accuracy before and after an attribute's partner was read, percent.

The numbers are the labels of a diagram; after the partner it is "about 100" for majors and company cities.
"""

BEFORE: dict[str, dict[str, float]] = {
    "couple1": {"birth_city": 3.4, "major": 5.4, "company_city": 28.7},
    "couple2": {"birth_city": 56.9, "major": 85.9, "company_city": 72.1},
    "couple5": {"birth_city": 70.1, "major": 97.7, "company_city": 71.2},
}
AFTER = 100.0


def value(arm: str, attribute: str, when: str) -> float | None:
    """Return the paper's number of a cell, None where it gives none. when: before or after."""
    if arm not in BEFORE:
        return None
    return BEFORE[arm][attribute] if when == "before" else AFTER
