"""Part 3.2, Figure 3 (bioS, GPT2 124M): partial and dual retrieval in percent, fine-tuned."""

TASKS = (
    "birth_day",
    "birth_year",
    "birth_city_and_employer",
    "employer_and_birth_city",
    "university_and_major",
    "major_and_university",
    "employer_and_company_city",
    "company_city_and_employer",
)
RESULTS: dict[str, tuple[float, ...]] = {
    "single": (37.2, 15.6, 0.2, 0.3, 0.2, 0.2, 1, 1.1),
    "single_fullname": (58.5, 43.5, 27.6, 29.1, 41.1, 36.3, 55.2, 11.2),
    "single_permute1": (8.5, 2.6, 0.2, 0.2, 0.3, 0.3, 3.6, 1.9),
    "single_permute2": (62.1, 16.6, 27.1, 27.1, 32.1, 31.9, 52.5, 51.2),
    "single_permute5": (67.6, 18.8, 49.1, 49.1, 42, 42.7, 94.9, 91.8),
    "single_permute5_fullname": (82.4, 68.7, 65.5, 63.9, 49.7, 54.6, 95.9, 96.6),
    "multi2": (90.6, 47.1, 5.2, 3.1, 19.8, 9.6, 3.4, 2.6),
    "multi2_fullname": (97.6, 77.1, 94, 97.5, 93.8, 94.3, 98.5, 19.4),
    "multi2_permute": (95.7, 46.5, 85.2, 88.2, 93.8, 95.1, 87.9, 80.4),
    "multi2_permute_fullname": (96.2, 67.2, 95.1, 97, 95.3, 94.3, 97.4, 96.1),
    "multi5": (85, 37.3, 6.9, 4.6, 31.5, 16.7, 9.7, 3.6),
    "multi5_fullname": (97.4, 68, 94, 95.4, 92, 94.6, 94.9, 17.4),
    "multi5_permute": (82.3, 20.4, 96.5, 97.6, 94.8, 94.6, 97, 96.9),
    "multi5_permute_fullname": (97.6, 76.7, 95.6, 98.6, 95.1, 95.1, 98.7, 97.7),
}
