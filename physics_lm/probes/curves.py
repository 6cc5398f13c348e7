"""Learning curves: the rows of every evaluation during pretraining, with the step as a column."""

from typing import TYPE_CHECKING

import pandas as pd

from physics_lm.training.evaluation import EVALS

if TYPE_CHECKING:
    from physics_lm.steps import Job


def rows(job: "Job") -> pd.DataFrame:
    """Return a row per question, value and evaluation; needs `pretrain.eval_every`."""
    return pd.read_parquet(job.store.folder(job.specs.pretrain) / EVALS)
