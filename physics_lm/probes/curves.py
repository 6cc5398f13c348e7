"""Learning curves: the rows of every evaluation during pretraining, with the step as a column."""

from pathlib import Path

import pandas as pd

from physics_lm.subject import Subject
from physics_lm.training.evaluation import EVALS


def rows(subject: Subject, state: Path) -> pd.DataFrame:
    """Return a row per question, value and evaluation; needs `pretrain.eval_every`."""
    return pd.read_parquet(subject.folder("pretrain") / EVALS)
