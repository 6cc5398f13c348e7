"""Part 3.1, Figure 3 (bioS, GPT2 124M): held-out QA in percent, fine-tuned (LoRA) and mixed.

Fine-tuned: mean, then the six attributes in the order of `data_gen.people.attributes`. Mixed: the mean, and by
attribute where the paper's figure gives it. BASELINE: always answering with the most frequent value.
"""

FINETUNED: dict[str, tuple[float, ...]] = {
    "single": (9.7, 33.5, 6.3, 2.3, 4.0, 1.1, 13.8),
    "single_fullname": (48.9, 56.2, 58.8, 63.0, 55.7, 50.5, 14.1),
    "single_permute1": (4.4, 0.5, 3.3, 2.4, 5.0, 3.5, 13.7),
    "single_permute2": (53.2, 57.3, 48.3, 53.1, 55.0, 51.8, 58.3),
    "single_permute5": (70.0, 56.4, 57.7, 58.3, 64.9, 90.5, 97.7),
    "single_permute1_fullname": (31.7, 26.6, 29.3, 36.9, 31.1, 31.4, 37.9),
    "single_permute2_fullname": (73.1, 69.0, 60.6, 64.2, 64.0, 87.9, 95.0),
    "single_permute5_fullname": (80.2, 83.7, 67.8, 72.6, 69.1, 93.0, 98.6),
    "multi2": (41.1, 100, 71.7, 33.1, 26.1, 5.2, 14.0),
    "multi2_fullname": (84.0, 100, 97.7, 89.5, 97.6, 91.3, 35.3),
    "multi2_permute": (91.2, 99.3, 98.7, 89.8, 96.7, 83.3, 83.5),
    "multi2_permute_fullname": (96.1, 100, 98.8, 91.3, 98.1, 93.7, 97.8),
    "multi5": (41.0, 100, 50.8, 30.9, 43.5, 10.2, 13.8),
    "multi5_fullname": (82.4, 100, 98.6, 88.4, 96.1, 91.9, 26.8),
    "multi5_permute": (96.6, 100, 99.0, 91.3, 97.7, 95.1, 98.7),
    "multi5_permute_fullname": (96.2, 100, 98.7, 90.6, 97.9, 93.7, 99.0),
}
MIXED: dict[str, tuple[float, ...]] = {
    "single": (86.6, 96.1, 97.4, 90.1, 94.8, 88.8, 53.4),
    "single_fullname": (85.9,),
    "single_permute1": (82.5, 92.2, 94.5, 86.4, 87.4, 70.2, 67.2),
    "single_permute2": (91.6,),
    "single_permute5": (93.7,),
    "single_permute1_fullname": (89.8,),
    "single_permute2_fullname": (92.6,),
    "single_permute5_fullname": (93.4,),
    "multi2": (89.2,),
    "multi2_fullname": (87.9,),
    "multi2_permute": (91.6,),
    "multi2_permute_fullname": (94.4,),
    "multi5": (91.8,),
    "multi5_fullname": (92.0,),
    "multi5_permute": (95.5,),
    "multi5_permute_fullname": (95.7,),
}
BASELINE = (2.7, 0.0, 0.5, 0.3, 1.0, 0.4, 13.7)


def values(arm: str) -> tuple[float, ...]:
    """Return the paper's numbers of an arm: mean, then attributes. Names ending in `_mixed` are mixed training."""
    return MIXED[arm.removesuffix("_mixed")] if arm.endswith("_mixed") else FINETUNED[arm]
