"""Synthetic rows of the extraction probe."""

import numpy as np
import pandas as pd

from data_gen.people.attributes import NAMES

PEOPLE = 50


def arm_rows(shares, tokens=1.0, seeds=(0,)):
    """Return rows of one arm: a share (%) of right answers per attribute on P_test, all right on P_train.

    tokens: the share of right tokens in the biographies.
    """
    rows = []
    for seed in seeds:
        for name, share in zip(NAMES, shares, strict=True):
            for person in range(2 * PEOPLE):
                train = person >= PEOPLE
                right = train or person < round(share * PEOPLE / 100)
                tokens_correct = int(np.ceil(10 * tokens))
                common = {"person": person, "attribute": name, "split": "train" if train else "test", "seed": seed}
                gold = f"value {person % 9}."
                rows.append(
                    {
                        **common,
                        "task": "extraction",
                        "gold": gold,
                        "correct": right,
                        "tokens": 3,
                        "tokens_correct": 3 * right,
                    }
                )
                rows.append(
                    {
                        **common,
                        "task": "biography",
                        "gold": gold,
                        "correct": True,
                        "tokens": 10,
                        "tokens_correct": tokens_correct,
                    }
                )
    return pd.DataFrame(rows)
