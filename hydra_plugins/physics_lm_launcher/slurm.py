"""`hydra/launcher=slurm` and `slurm_local`: the submitit launchers, each job submitted for itself.

The released ones submit an array and raise at its first job that died, so that the others are not waited for.
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
    """Submitit's settings; array_parallelism: jobs at a time."""

    _target_: str = "hydra_plugins.physics_lm_launcher.slurm.Slurm"
    submitit_folder: str = FOLDER


@dataclass
class LocalConf(LocalQueueConf):  # type: ignore[misc]
    """The same without Slurm: submitit's local executor; all jobs at once."""

    _target_: str = "hydra_plugins.physics_lm_launcher.slurm.Local"
    submitit_folder: str = FOLDER


for name, node in (("slurm", SlurmConf), ("slurm_local", LocalConf)):
    ConfigStore.instance().store(group="hydra/launcher", name=name, node=node, provider="physics_lm")


class _Each:
    """Submit every job for itself; one that dies is returned as failed and stops no other."""

    def launch(self, job_overrides: Sequence[Sequence[str]], initial_job_idx: int) -> Sequence[JobReturn]:
        at_once = min(len(job_overrides), int(self.params.get("array_parallelism", 256)))  # type: ignore[attr-defined]
        with ThreadPoolExecutor(at_once) as pool:
            return list(
                pool.map(self._one, job_overrides, range(initial_job_idx, initial_job_idx + len(job_overrides)))
            )

    def _one(self, overrides: Sequence[str], number: int) -> JobReturn:
        try:
            done: JobReturn = super().launch([overrides], number)[0]  # type: ignore[misc]
        except Exception as error:  # submitit raises what its log says of a job that died
            return JobReturn(status=JobStatus.FAILED, _return_value=error)
        return done


class Slurm(_Each, SlurmLauncher):  # type: ignore[misc]
    """Slurm through submitit."""


class Local(_Each, LocalLauncher):  # type: ignore[misc]
    """Submitit's local executor."""
