"""`hydra/launcher=slurm` and `slurm_local`: the submitit launchers, with each job submitted separately.

The released launchers submit an array and raise at the first job that died, without waiting for the others.
"""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from hydra.core.config_store import ConfigStore
from hydra.core.utils import JobReturn, JobStatus
from hydra_plugins.hydra_submitit_launcher.config import LocalQueueConf, SlurmQueueConf
from hydra_plugins.hydra_submitit_launcher.submitit_launcher import LocalLauncher, SlurmLauncher

FOLDER = "${paths.lab}/submitit/%j"


@dataclass
class SlurmConf(SlurmQueueConf):  # type: ignore[misc]
    """Submitit's settings for Slurm. array_parallelism: jobs at a time."""

    _target_: str = "hydra_plugins.physics_lm_launcher.slurm.Slurm"
    submitit_folder: str = FOLDER


@dataclass
class LocalConf(LocalQueueConf):  # type: ignore[misc]
    """Submitit's settings for its local executor, which runs all jobs at once."""

    _target_: str = "hydra_plugins.physics_lm_launcher.slurm.Local"
    submitit_folder: str = FOLDER


for name, node in (("slurm", SlurmConf), ("slurm_local", LocalConf)):
    ConfigStore.instance().store(group="hydra/launcher", name=name, node=node, provider="physics_lm")


class _SeparateJobs:
    """Submit every job separately; a job that dies is returned as failed and stops no other."""

    def launch(self, job_overrides: Sequence[Sequence[str]], initial_job_idx: int) -> Sequence[JobReturn]:
        at_once = min(len(job_overrides), int(self.params.get("array_parallelism", 256)))  # type: ignore[attr-defined]
        numbers = range(initial_job_idx, initial_job_idx + len(job_overrides))
        with ThreadPoolExecutor(at_once) as pool:
            return list(pool.map(self._launch_job, job_overrides, numbers))

    def _launch_job(self, overrides: Sequence[str], number: int) -> JobReturn:
        try:
            return super().launch([overrides], number)[0]  # type: ignore[misc,no-any-return]
        except Exception as error:  # submitit raises what the log of a dead job says
            return JobReturn(status=JobStatus.FAILED, _return_value=error)


class Slurm(_SeparateJobs, SlurmLauncher):  # type: ignore[misc]
    """Launch jobs on Slurm through submitit."""


class Local(_SeparateJobs, LocalLauncher):  # type: ignore[misc]
    """Launch jobs through submitit's local executor."""
