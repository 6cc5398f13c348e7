"""`hydra/launcher=stacked`: several jobs in one process, whose models of one shape train and answer as a stack.

Each job writes into the store and the ledger what it would have written in a process of its own.
"""

import copy
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from typing import Any

from hydra.core.config_store import ConfigStore
from hydra.core.singleton import Singleton
from hydra.core.utils import JobReturn, JobStatus, setup_globals
from hydra.plugins.launcher import Launcher
from hydra.types import HydraContext, TaskFunction
from joblib import cpu_count
from omegaconf import DictConfig, open_dict

from hydra_plugins.physics_lm_launcher.processes import ProcessesConf

MAX_WAIT = 60.0  # seconds that a stack on a GPU waits for a job whose corpus another process is making


@dataclass
class StackedConf:
    """stack: jobs that a process has active at a time, and so the largest number that is trained together.

    workers: processes that share the jobs; 0 for one per core, or on a GPU one per stack up to the cores.
    """

    _target_: str = "hydra_plugins.physics_lm_launcher.stacked.StackedLauncher"
    stack: int = 8
    workers: int = 0


ConfigStore.instance().store(group="hydra/launcher", name="stacked", node=StackedConf, provider="physics_lm")


class StackedLauncher(Launcher):  # type: ignore[misc]
    """Run jobs as threads of one process, which meet where they train and answer (physics_lm.job_scheduler)."""

    def __init__(self, stack: int, workers: int) -> None:
        """Store the settings of StackedConf."""
        self.stack, self.workers = stack, workers

    def setup(self, *, hydra_context: HydraContext, task_function: TaskFunction, config: DictConfig) -> None:
        """Store what to run."""
        self.hydra_context, self.task_function, self.config = hydra_context, task_function, config

    def launch(self, job_overrides: Sequence[Sequence[str]], initial_job_idx: int) -> Sequence[JobReturn]:
        """Run the jobs; one that fails is returned as failed and stops no other."""
        from data_gen.errors import ConfigError
        from hydra_plugins.physics_lm_launcher import _child, _pool

        for name, value, least in (("stack", self.stack, 1), ("workers", self.workers, 0)):
            if value < least:
                raise ConfigError(f"hydra.launcher.{name}={value}: must be {least} or more")
        gpu = _child.has_gpu()
        shares = split_jobs(len(job_overrides), self.stack, self.workers, gpu)
        context = (self.hydra_context, self.config, self.task_function, self.stack, MAX_WAIT if gpu else 0)
        tasks = [partial(_run_jobs, [list(job_overrides[number]) for number in share], *context) for share in shares]
        if len(tasks) == 1:
            return tasks[0]()
        state, settings = Singleton.get_state(), asdict(ProcessesConf(n_jobs=len(tasks)))
        sized = [(len(share), partial(_run_in_worker, state, task)) for share, task in zip(shares, tasks, strict=True)]
        returns = [result for results in _pool.launch(settings, sized) for result in results]
        by_number = dict(zip((number for share in shares for number in share), returns, strict=True))
        return [by_number[number] for number in range(len(job_overrides))]


def split_jobs(jobs: int, stack: int, workers: int, gpu: bool) -> list[list[int]]:
    """Return the numbers of the jobs of each process.

    On a GPU neighbours, which the order of a sweep keeps alike, stay together in runs of at most `stack` jobs. On a
    CPU, where a stack gains nothing, the processes take the jobs in turn, so that all have the same work.
    """
    size = stack if gpu else 1
    runs = [list(range(first, min(first + size, jobs))) for first in range(0, jobs, size)]
    count = min(workers or cpu_count(), len(runs))
    return [[number for run in runs[worker::count] for number in run] for worker in range(count)]


def _run_in_worker(state: Any, task: Callable[[], Sequence[JobReturn]]) -> Sequence[JobReturn]:
    """Run a task in a process other than Hydra's own."""
    setup_globals()
    Singleton.set_state(state)
    return task()


def _run_jobs(
    overrides: list[list[str]], context: HydraContext, config: DictConfig, task: TaskFunction, stack: int, wait: float
) -> Sequence[JobReturn]:
    """Run the jobs in this process, at most `stack` of them active at a time."""
    from physics_lm import job_scheduler

    jobs = [partial(task, _job_config(context, config, words)) for words in overrides]
    return [_to_return(result) for result in job_scheduler.run_jobs(jobs, stack, wait)]


def _job_config(context: HydraContext, config: DictConfig, overrides: list[str]) -> DictConfig:
    job_config = copy.deepcopy(context.config_loader.load_sweep_config(config, overrides))
    with open_dict(job_config):
        del job_config["hydra"]
    return job_config


def _to_return(result: Any) -> JobReturn:
    failed = isinstance(result, BaseException)
    return JobReturn(status=JobStatus.FAILED if failed else JobStatus.COMPLETED, _return_value=result)
