"""`hydra/launcher=stacked`: several jobs in one process; those of one shape are trained and asked as a stack.

Each writes into the store and the ledger what it would have written alone.
"""

import copy
from collections.abc import Sequence
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

PATIENCE = 60.0  # seconds for which a stack on a GPU waits for a job whose corpus another process makes


@dataclass
class StackedConf:
    """stack: jobs that a process begins at a time, and so the most that are trained together.

    workers: processes that share the jobs; 0 takes one for each core, and on a GPU one for each stack.
    """

    _target_: str = "hydra_plugins.physics_lm_launcher.stacked.StackedLauncher"
    stack: int = 8
    workers: int = 0


ConfigStore.instance().store(group="hydra/launcher", name="stacked", node=StackedConf, provider="physics_lm")


class StackedLauncher(Launcher):  # type: ignore[misc]
    """Jobs that meet where they train and ask (physics_lm.together)."""

    def __init__(self, stack: int, workers: int) -> None:
        """Take the settings of StackedConf."""
        self.stack, self.workers = stack, workers

    def setup(self, *, hydra_context: HydraContext, task_function: TaskFunction, config: DictConfig) -> None:
        """Remember what to run."""
        self.hydra_context, self.task_function, self.config = hydra_context, task_function, config

    def launch(self, job_overrides: Sequence[Sequence[str]], initial_job_idx: int) -> Sequence[JobReturn]:
        """Run the jobs; one that fails is returned as failed and stops no other."""
        from data_gen.errors import ConfigError
        from hydra_plugins.physics_lm_launcher import _child, _pool

        if self.stack < 1:
            raise ConfigError(f"hydra.launcher.stack={self.stack}: must be 1 or more")
        if self.workers < 0:
            raise ConfigError(f"hydra.launcher.workers={self.workers}: must be 0 or more")
        gpu = _child.has_gpu()
        parts = dealt(len(job_overrides), self.stack, self.workers, gpu)
        told = (self.hydra_context, self.config, self.task_function, self.stack, PATIENCE if gpu else 0)
        works = [partial(_jobs, [list(job_overrides[n]) for n in part], *told) for part in parts]
        if len(works) == 1:
            return works[0]()
        state, settings = Singleton.get_state(), asdict(ProcessesConf(n_jobs=len(works)))
        counted = [(len(part), partial(_elsewhere, state, work)) for part, work in zip(parts, works, strict=True)]
        done = zip(parts, _pool.launch(settings, counted), strict=True)
        by_number = {number: one for part, answers in done for number, one in zip(part, answers, strict=True)}
        return [by_number[number] for number in range(len(job_overrides))]


def dealt(jobs: int, stack: int, workers: int, gpu: bool) -> list[list[int]]:
    """Return the numbers of the jobs of each process.

    On a GPU neighbours, which the order of a sweep keeps alike, stay together up to a stack; on a CPU, where a stack
    gains nothing, each goes to the next process, so that all have the same work.
    """
    cores, run = cpu_count(), stack if gpu else 1
    runs = [list(range(first, min(first + run, jobs))) for first in range(0, jobs, run)]
    many = min(workers or cores, len(runs))
    return [[number for part in runs[worker::many] for number in part] for worker in range(many)]


def _elsewhere(state: Any, work: Any) -> Sequence[JobReturn]:
    """Do a work in another process than Hydra's own."""
    setup_globals()
    Singleton.set_state(state)
    done: Sequence[JobReturn] = work()
    return done


def _jobs(
    overrides: Sequence[list[str]],
    context: HydraContext,
    config: DictConfig,
    task: TaskFunction,
    stack: int,
    patience: float,
) -> Sequence[JobReturn]:
    """Run jobs in this process, `stack` of them begun at a time."""
    from physics_lm import concurrency

    jobs = [partial(task, _config(context, config, each)) for each in overrides]
    return [_return(result) for result in concurrency.run(jobs, stack, patience)]


def _config(context: HydraContext, config: DictConfig, overrides: list[str]) -> DictConfig:
    found = copy.deepcopy(context.config_loader.load_sweep_config(config, overrides))
    with open_dict(found):
        del found["hydra"]
    return found


def _return(result: Any) -> JobReturn:
    failed = isinstance(result, BaseException)
    return JobReturn(status=JobStatus.FAILED if failed else JobStatus.COMPLETED, _return_value=result)
