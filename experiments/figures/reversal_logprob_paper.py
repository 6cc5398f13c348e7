"""2309.12288, section 2.1.2: is the right name more likely than a random one? GPT-3 350M to 175B and LLaMA-7B."""

EFFECT = "none"
T_TEST = "p > 0.05"
KOLMOGOROV_SMIRNOV = "p > 0.05"
SIGNIFICANT = 0.05
SMALL = 0.15  # standard deviations; below it an effect is taken for none
