"""2309.12288, experiments 1 and 3: exact match in percent on held-out paraphrases.

ACCURACY: by subset and order, GPT-3-175B, 30 facts each (mean, standard deviation). INSTRUCTIONS: LLaMA-1, 100
held-out pairs; the paper gives bounds.
"""

ACCURACY: dict[tuple[str, str], tuple[float, float]] = {
    ("NameToDescription", "same"): (50.0, 2.1),
    ("NameToDescription", "reverse"): (0.0, 0.0),
    ("DescriptionToName", "same"): (96.7, 1.2),
    ("DescriptionToName", "reverse"): (0.1, 0.1),
}
INSTRUCTIONS: dict[str, tuple[float, str]] = {"same": (80.0, "> 80"), "reverse": (7.0, "< 7")}
IN_CONTEXT = "near 100"


def accuracy(subset: str, task: str) -> float | None:
    """Return the paper's accuracy of a subset and order, or None where it gives none."""
    if subset in ("QuestionToAnswer", "AnswerToQuestion"):
        return INSTRUCTIONS[task][0] if task in INSTRUCTIONS else None
    return ACCURACY[subset, task][0] if (subset, task) in ACCURACY else None
