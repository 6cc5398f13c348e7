"""A public replication of Part 3.1 (github.com/ykrmm/PhysicsLLM_3.1): held-out QA in percent, mean of six.

124M weights, 100,000 people, multi5+permute+fullname. The five entries of a person stood side by side in the
windows until its author found the fault.
"""

MEANS: dict[str, float] = {"fullname_shuffled": 97.0, "fullname_adjacent": 7.0}


def values(arm: str) -> tuple[float, ...]:
    """Return the replication's numbers of an arm, none where it has none."""
    return (MEANS[arm],) if arm in MEANS else ()
