"""A public replication of Part 3.1 (github.com/ykrmm/PhysicsLLM_3.1): held-out QA in percent, mean of six.

124M weights, 100,000 people. Until its author found the fault, the five biographies of a person stood side by side in
the windows. Its corpus is multi5+permute+fullname; the arms without full names are compared with the same two numbers.
"""

MEANS: dict[str, float] = {"shuffled": 97.0, "adjacent": 7.0, "fullname_shuffled": 97.0, "fullname_adjacent": 7.0}


def values(arm: str) -> tuple[float, ...]:
    """Return the replication's number for an arm."""
    return (MEANS[arm],)
