"""The stages of a run in order, a module each, or an object where a run has one twice.

A stage imports torch only where it makes something.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol, cast

from physics_lm.config.run import RunConfig
from physics_lm.stages import corpus, facts, pretrain, probe, rewrite, tokenizer
from physics_lm.stages.finetune import FINETUNE, PRIOR
from physics_lm.store.artifacts import Spec
from physics_lm.store.chain import Chain
from physics_lm.subject import Subject
from physics_lm.tracking import Tracker


class Stage(Protocol):
    """What a stage offers: what its key is made of, what is impossible, how it is made.

    NAME: of the stage in a run's chain. OUTPUT: what it gives to later stages (see `Chain.latest`). TRAINS: whether
    the processes of torchrun make it together. VERSION: raised when the same settings give another output.
    """

    @property
    def NAME(self) -> str: ...  # noqa: D102

    @property
    def OUTPUT(self) -> str: ...  # noqa: D102

    @property
    def TRAINS(self) -> bool: ...  # noqa: D102

    @property
    def VERSION(self) -> int: ...  # noqa: D102

    def spec(self, config: RunConfig, chain: Chain) -> Spec | None:
        """Return the spec of the stage's output: the settings and inputs that its key is computed from.

        chain: the stages before it. None where a run lacks the stage.
        """
        ...

    def check(self, config: RunConfig) -> None:
        """Raise ConfigError, naming the key and how to fix it, where the stage cannot be made. No torch is imported."""
        ...

    def make(self, subject: Subject, folder: Path, state: Path, tracker: Tracker) -> Mapping[str, Any]:
        """Write the stage's output into `folder`; return what the manifest adds.

        state: a folder for what the stage needs to go on after a kill. tracker: receives a training's loss curve.
        """
        ...


class TrainingStage(Stage, Protocol):
    """A stage that trains."""

    def cost(self, config: RunConfig, usual: RunConfig) -> float:
        """Return the stage's part of the time that a scale's usual run takes."""
        ...


STAGES: tuple[Stage, ...] = (corpus, rewrite, facts, tokenizer, pretrain, PRIOR, FINETUNE, probe)
TRAININGS = [cast(TrainingStage, stage) for stage in STAGES if stage.TRAINS]
