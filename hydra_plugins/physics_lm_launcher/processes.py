"""`hydra/launcher=processes`: the joblib launcher with a process of its own for every job.

The released launcher runs many jobs in the same worker process, which keeps the memory of earlier jobs, and the
whole sweep is lost when one worker is killed.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from hydra.core.config_store import ConfigStore
from hydra.core.singleton import Singleton
from hydra.core.utils import JobReturn
from hydra_plugins.hydra_joblib_launcher.joblib_launcher import JoblibLauncher


@dataclass
class ProcessesConf:
    """n_jobs: jobs at a time, -1 for one per core. threads: of each job, 0 to divide the cores among the jobs.

    memory_gb: the memory that a job may allocate, 0 for any amount. gpu_share: the share of a GPU's memory that a
    job may take, 0 to divide each GPU among its jobs.
    """

    _target_: str = "hydra_plugins.physics_lm_launcher.processes.ProcessesLauncher"
    n_jobs: int = -1
    threads: int = 0
    memory_gb: float = 0.0
    gpu_share: float = 0.0


ConfigStore.instance().store(group="hydra/launcher", name="processes", node=ProcessesConf, provider="physics_lm")


class ProcessesLauncher(JoblibLauncher):  # type: ignore[misc]
    """Run every job in its own process, so that no job can affect another."""

    def __init__(self, **settings: Any) -> None:
        """Store the settings of ProcessesConf."""
        super().__init__()
        self.settings = settings

    def launch(self, job_overrides: Sequence[Sequence[str]], initial_job_idx: int) -> Sequence[JobReturn]:
        """Run the jobs; a job that fails or is killed is returned as failed and stops no other."""
        from hydra_plugins.physics_lm_launcher import _pool

        context = (self.hydra_context, self.config, self.task_function, Singleton.get_state())
        numbered = enumerate(map(list, job_overrides), initial_job_idx)
        tasks = [(1, partial(_run_job, number, overrides, *context)) for number, overrides in numbered]
        return [result for results in _pool.launch(self.settings, tasks) for result in results]


def _run_job(*arguments: Any) -> list[JobReturn]:
    from hydra_plugins.hydra_joblib_launcher._core import execute_job

    return [execute_job(*arguments)]
