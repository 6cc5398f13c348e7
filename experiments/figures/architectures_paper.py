"""Part 3.1, Figures 3 and 12 (bioS): held-out QA in percent, mean of six; the paper has no Mistral."""

MEANS: dict[str, float] = {
    "gpt2_rotary_single": 9.7,
    "gpt2_rotary_multi5_permute": 96.6,
    "llama_single": 3.5,
    "llama_multi5_permute": 92.7,
}


def values(arm: str) -> tuple[float, ...]:
    """Return the paper's numbers of an arm, none where it has none."""
    return (MEANS[arm],) if arm in MEANS else ()
