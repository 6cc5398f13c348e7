"""`hydra/launcher=stacked`: all jobs in one process; those of one shape are trained and asked as a stack.

Each writes into the store and the ledger what it would have written alone.
"""

import copy
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from hydra.core.config_store import ConfigStore
from hydra.core.utils import JobReturn, JobStatus
from hydra.plugins.launcher import Launcher
from hydra.types import HydraContext, TaskFunction
from omegaconf import DictConfig, open_dict


@dataclass
class StackedConf:
    """stack: jobs begun at a time, and so the most that are trained together."""

    _target_: str = "hydra_plugins.physics_lm_launcher.stacked.StackedLauncher"
    stack: int = 8


ConfigStore.instance().store(group="hydra/launcher", name="stacked", node=StackedConf, provider="physics_lm")


class StackedLauncher(Launcher):  # type: ignore[misc]
    """Jobs that meet where they train and ask (physics_lm.together)."""

    def __init__(self, stack: int) -> None:
        """Take the settings of StackedConf."""
        self.stack = stack

    def setup(self, *, hydra_context: HydraContext, task_function: TaskFunction, config: DictConfig) -> None:
        """Remember what to run."""
        self.hydra_context, self.task_function, self.config = hydra_context, task_function, config

    def launch(self, job_overrides: Sequence[Sequence[str]], initial_job_idx: int) -> Sequence[JobReturn]:
        """Run the jobs; one that fails is returned as failed and stops no other."""
        from data_gen.config import ConfigError
        from physics_lm import together

        if self.stack < 1:
            raise ConfigError(f"hydra.launcher.stack={self.stack}: must be 1 or more")
        jobs = [self._job(overrides) for overrides in job_overrides]
        return [self._return(result) for result in together.run(jobs, self.stack)]

    def _job(self, overrides: Sequence[str]) -> Any:
        config = copy.deepcopy(self.hydra_context.config_loader.load_sweep_config(self.config, list(overrides)))
        with open_dict(config):
            del config["hydra"]
        return lambda: self.task_function(config)

    @staticmethod
    def _return(result: Any) -> JobReturn:
        failed = isinstance(result, BaseException)
        return JobReturn(status=JobStatus.FAILED if failed else JobStatus.COMPLETED, _return_value=result)
