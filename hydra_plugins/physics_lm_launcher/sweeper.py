"""`hydra/sweeper=ledger`: Hydra's own sweeper, whose jobs go through the ledger as a figure's arms do."""

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
    """As Hydra's."""

    _target_: str = "hydra_plugins.physics_lm_launcher.sweeper.LedgerSweeper"


ConfigStore.instance().store(group="hydra/sweeper", name="ledger", node=LedgerSweeperConf, provider="physics_lm")


class LedgerSweeper(BasicSweeper):  # type: ignore[misc]
    """Hydra's sweeper; only the launcher is wrapped."""

    def setup(self, *, hydra_context: HydraContext, task_function: TaskFunction, config: DictConfig) -> None:
        """Prepare a sweep, each job of which writes in the ledger how it went."""
        from experiments.launch import jobs

        self.command = Path(inspect.getfile(task_function)).stem
        super().setup(hydra_context=hydra_context, task_function=jobs.run_job, config=config)
        self.launcher: Any = jobs.RecordingLauncher(self.launcher)

    def sweep(self, arguments: list[str]) -> None:
        """Run all jobs; the command ends with status 1 where one failed, after the others."""
        from experiments.launch.errors import guarded

        def work() -> None:
            self._check(arguments)
            super(LedgerSweeper, self).sweep(arguments)

        guarded(work)
        if self.launcher.failed:
            sys.exit(1)

    def _check(self, arguments: list[str]) -> None:
        """Raise ConfigError where something else than runs would be swept."""
        from experiments.run import check_words

        if self.command != "run":
            raise ConfigError(
                f"-m sweeps experiments.run, and experiments.{self.command} is no run: leave it out (a figure has "
                "figure.arms and figure.seeds, and figure=all makes every one)"
            )
        check_words(arguments)
