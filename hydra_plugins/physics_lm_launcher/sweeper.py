"""`hydra/sweeper=ledger`: Hydra's own sweeper, whose jobs go through the ledger as a figure's arms do."""

import sys
from dataclasses import dataclass
from typing import Any

from hydra._internal.core_plugins.basic_sweeper import BasicSweeper, BasicSweeperConf
from hydra.core.config_store import ConfigStore
from hydra.types import HydraContext, TaskFunction
from omegaconf import DictConfig


@dataclass
class LedgerSweeperConf(BasicSweeperConf):  # type: ignore[misc]
    """As Hydra's."""

    _target_: str = "hydra_plugins.physics_lm_launcher.sweeper.LedgerSweeper"


ConfigStore.instance().store(group="hydra/sweeper", name="ledger", node=LedgerSweeperConf, provider="physics_lm")


class LedgerSweeper(BasicSweeper):  # type: ignore[misc]
    """Hydra's sweeper; only the launcher is wrapped."""

    def setup(self, *, hydra_context: HydraContext, task_function: TaskFunction, config: DictConfig) -> None:
        """Prepare a sweep, each job of which writes in the ledger how it went."""
        from experiments import sweep

        super().setup(hydra_context=hydra_context, task_function=sweep.job, config=config)
        self.launcher: Any = sweep.Recorded(self.launcher)

    def sweep(self, arguments: list[str]) -> None:
        """Run all jobs; the command ends with status 1 where one failed, after the others."""
        from experiments.config import guarded

        guarded(lambda: super(LedgerSweeper, self).sweep(arguments))
        if self.launcher.failed:
            sys.exit(1)
