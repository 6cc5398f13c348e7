"""`hydra/sweeper=ledger`: Hydra's basic sweeper, with its jobs recorded in the ledger as a figure's arms are."""

import inspect
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hydra._internal.core_plugins.basic_sweeper import BasicSweeper, BasicSweeperConf
from hydra.core.config_store import ConfigStore
from hydra.types import HydraContext, TaskFunction
from omegaconf import DictConfig

from data_gen.errors import ConfigError


@dataclass
class LedgerSweeperConf(BasicSweeperConf):  # type: ignore[misc]
    """The settings of Hydra's basic sweeper."""

    _target_: str = "hydra_plugins.physics_lm_launcher.sweeper.LedgerSweeper"


ConfigStore.instance().store(group="hydra/sweeper", name="ledger", node=LedgerSweeperConf, provider="physics_lm")


class LedgerSweeper(BasicSweeper):  # type: ignore[misc]
    """Hydra's basic sweeper with a launcher that records each job in the ledger."""

    def setup(self, *, hydra_context: HydraContext, task_function: TaskFunction, config: DictConfig) -> None:
        """Prepare the sweep and wrap its launcher."""
        from experiments.launch.jobs import execute_job
        from experiments.launch.sweep import RecordingLauncher

        self.command = Path(inspect.getfile(inspect.unwrap(task_function))).stem
        super().setup(hydra_context=hydra_context, task_function=execute_job, config=config)
        self.launcher: Any = RecordingLauncher(self.launcher)

    def sweep(self, arguments: list[str]) -> None:
        """Run all jobs; afterwards the command ends with status 1 if any of them failed."""
        self._check(arguments)
        super().sweep(arguments)
        if self.launcher.failed:
            sys.exit(1)

    def _check(self, arguments: list[str]) -> None:
        """Raise ConfigError if the command to sweep is not experiments.run, or an override is not a run's."""
        from experiments.run import check_overrides

        if self.command != "run":
            raise ConfigError(
                f"-m sweeps experiments.run, and experiments.{self.command} is no run: leave it out (a figure has "
                "figure.arms and figure.seeds, and figure=all makes every one)"
            )
        check_overrides(arguments)
