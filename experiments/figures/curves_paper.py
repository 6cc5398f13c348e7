"""The order of learning in mixed training (Part 3.1, Figure 1) and the plateau (Zucchet et al. 2503.21676).

The paper describes the order in words: questions of P_train, then biographies of P_train, then those of P_test, and
late, from about 160 passes on, questions of P_test. The plateau ends after 0.43 N^0.81 steps (N from 4,000 to 256,000,
44M weights, R^2 0.998), and confidence about people who are in no biography begins to rise there.
"""

ORDER = ("questions of P_train", "entries of P_train", "entries of P_test", "questions of P_test")
FACTOR, EXPONENT = 0.43, 0.81


def plateau(people: float) -> float:
    """Return the steps after which the plateau ends with N `people`, by the published fit."""
    return float(FACTOR * people**EXPONENT)
