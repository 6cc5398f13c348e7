"""Learning curves: the rows of every evaluation during pretraining, with the step as a column."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from data_gen.settings import kind
from physics_lm import needs
from physics_lm.config.probe import ProbeConfig
from physics_lm.subject import Subject

if TYPE_CHECKING:
    import pandas as pd

VERSION = 2
NEEDS = (needs.evaluations,)


@dataclass(frozen=True)
class Config(ProbeConfig):
    """What is evaluated, and when, are settings of pretraining."""

    kind: str = kind("curves")


def rows(subject: Subject, state: Path) -> "pd.DataFrame":
    """Return a row per question, value and evaluation; needs `pretrain.eval_every`."""
    import pandas as pd

    from physics_lm.training.evaluation import EVALS

    return pd.read_parquet(subject.folder("pretrain") / EVALS)
