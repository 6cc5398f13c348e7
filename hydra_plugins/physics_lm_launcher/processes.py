"""`hydra/launcher=processes`: the joblib launcher with a process of its own for every job.

The released one runs jobs one after the other in the same worker processes, which keep the memory of the
jobs before, and loses the whole sweep when one of them is killed.
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
    """n_jobs: jobs at a time, -1 for one per core. threads: of each job, 0 to divide the cores among them.

    memory_gb: what a job may allocate, 0 for any amount. gpu_share: share of a GPU's memory that a job may
    take, 0 to divide each GPU among the jobs that are placed on it.
    """

    _target_: str = "hydra_plugins.physics_lm_launcher.processes.ProcessesLauncher"
    n_jobs: int = -1
    threads: int = 0
    memory_gb: float = 0.0
    gpu_share: float = 0.0


ConfigStore.instance().store(group="hydra/launcher", name="processes", node=ProcessesConf, provider="physics_lm")


class ProcessesLauncher(JoblibLauncher):  # type: ignore[misc]
    """Every job in its own process, so that nothing one job does can touch another."""

    def __init__(self, **settings: Any) -> None:
        """Take the settings of ProcessesConf."""
        super().__init__()
        self.settings = settings

    def launch(self, job_overrides: Sequence[Sequence[str]], initial_job_idx: int) -> Sequence[JobReturn]:
        """Run the jobs; a job that fails or is killed is returned as failed and stops no other."""
        from hydra_plugins.physics_lm_launcher import _pool

        told = (self.hydra_context, self.config, self.task_function, Singleton.get_state())
        numbered = enumerate(map(list, job_overrides), initial_job_idx)
        works = [(1, partial(_one, number, overrides, *told)) for number, overrides in numbered]
        return [done for part in _pool.launch(self.settings, works) for done in part]


def _one(*call: Any) -> list[JobReturn]:
    from hydra_plugins.hydra_joblib_launcher._core import execute_job

    return [execute_job(*call)]
