"""Part 3.2, Figure 6 (bioS, GPT2 124M): inverse search in percent, QA fine-tuned and mixed.

By arm and condition: first name, full name. The 16 sets in which the name comes first: every full-name cell is
0.0 and the first-name cells of a condition lie in FIRST_NAME.
"""

RESULTS: dict[str, dict[str, tuple[float, float]]] = {
    "multi5_reverse1": {"bdate": (45.9, 49.2), "birth": (50.7, 50.8),
                        "three": (1.7, 0), "four": (1.1, 0), "all": (45.5, 44.6)},
    "multi5_reverse1_mixed": {"bdate": (33.5, 33.8), "birth": (28.7, 27.2),
                              "three": (0.9, 0.2), "four": (0.8, 0), "all": (1, 1)},
    "multi5_reverse2": {"bdate": (10.8, 1.2), "birth": (96.9, 92.2),
                        "three": (1.7, 0), "four": (1, 0.4), "all": (96.5, 91.9)},
    "multi5_reverse2_mixed": {"bdate": (6.7, 1.9), "birth": (97.8, 94.2),
                              "three": (0.9, 0), "four": (1, 0.2), "all": (1, 1)},
    "multi5_reverse6": {"bdate": (1.3, 0), "birth": (2.8, 0),
                        "three": (79.2, 77), "four": (91.8, 89.3), "all": (96.1, 93)},
    "multi5_reverse6_mixed": {"bdate": (1.2, 0), "birth": (1, 0),
                              "three": (97.1, 92.9), "four": (98.6, 95.1), "all": (98.5, 94.9)},
    "multi5_permute_reverse6": {"bdate": (2.9, 0.2), "birth": (6.3, 1.6),
                                "three": (22.2, 26.9), "four": (64, 69.2), "all": (97.6, 94)},
    "multi5_permute_reverse6_mixed": {"bdate": (1.2, 0.4), "birth": (2.2, 0.8),
                                      "three": (85.6, 55.9), "four": (96.5, 71.7), "all": (99, 95.7)},
}  # fmt: skip
FIRST_NAME: dict[str, tuple[float, float]] = {
    "bdate": (0.6, 1.2), "birth": (0.6, 1.7), "three": (0.6, 1.7), "four": (0.6, 1.7), "all": (0.6, 1.7),
}  # fmt: skip
