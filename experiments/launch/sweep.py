"""Jobs executed by Hydra's launcher: each is written in the ledger, what is there already is left alone."""

import hashlib
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from hydra.core.utils import JobReturn, JobStatus

from data_gen.errors import ConfigError
from experiments.launch.hydra_internals import make_launcher
from experiments.launch.jobs import Job, execute_job
from physics_lm.stages import TRAININGS
from physics_lm.training import distributed


def launch(jobs: Sequence[Job]) -> list[str]:
    """Execute every job through Hydra's launcher; return for each an empty text, or why it failed.

    Jobs whose rows are there are left alone. A failed job stops no other.
    """
    return launch_recorded(make_launcher(jobs[0].overrides, execute_job), jobs)


def launch_recorded(launcher: Any, jobs: Sequence[Job]) -> list[str]:
    """Plan the jobs in the ledger, launch what is missing, and write how each ended; see `launch`."""
    if distributed.size() > 1:
        raise ConfigError("torchrun starts one run on several devices: use experiments.run without -m under it")
    sweep = hashlib.sha256("".join(sorted({job.key for job in jobs})).encode()).hexdigest()[:12]
    distinct: dict[Path, Job] = {}
    for job in jobs:
        distinct.setdefault(job.rows, job)
    missing = order([job for job in distinct.values() if not _plan_in_ledger(job, sweep)])
    returns = launcher.launch([job.overrides for job in missing], initial_job_idx=0) if missing else []
    failures = {job.rows: _failure(job, result, sweep) for job, result in zip(missing, returns, strict=True)}
    return [failures.get(job.rows, "") for job in jobs]


def _plan_in_ledger(job: Job, sweep: str) -> bool:
    """Write a job into the ledger as planned, or as done; return whether its rows are there already."""
    job.store.check_writable()
    entry, complete = job.ledger.read(job.key), job.complete
    if entry and job.ledger.alive(entry):
        print(f"joined: {entry.name} is being run by process {entry.pid} on {entry.host}", file=sys.stderr)
    elif complete and entry and entry.state == "done":
        job.ledger.write(replace(entry, sweep=sweep))
    else:
        job.ledger.write(job.entry(sweep, "done" if complete else "planned"))
    return complete


def order(jobs: list[Job]) -> list[Job]:
    """Return the jobs so that none waits for a model that another trains while there is other work.

    First the jobs that share no missing training with an earlier one, the longest first; then those that share
    one, after the shortest trainings; last what another launcher is executing.
    """
    seen: set[str] = set()
    independent: list[Job] = []
    sharing: list[Job] = []
    for job in sorted(jobs, key=lambda job: -job.run.pretrain.steps):
        trained = [spec for stage in TRAININGS if (spec := job.chain.get(stage.NAME))]
        waits = any(spec.key in seen for spec in trained if not job.store.has(spec))
        (sharing if waits else independent).append(job)
        seen |= {spec.key for spec in trained}
    ranked = independent + sorted(sharing, key=lambda job: job.run.pretrain.steps)
    return sorted(ranked, key=lambda job: job.running)  # stable


def _failure(job: Job, result: JobReturn, sweep: str) -> str:
    """Return why a launched job failed, or an empty text; the failure of a job that died is written down here."""
    if result.status == JobStatus.COMPLETED:
        return str(result._return_value)
    entry = job.ledger.read(job.key) or job.entry(sweep)
    reason = str(result._return_value)
    if entry.state != "failed":
        job.ledger.write(replace(entry, state="failed", error=reason.splitlines()[0], traceback=reason))
    return entry.error if entry.state == "failed" else reason.splitlines()[0]


class RecordingLauncher:
    """A launcher whose jobs go through the ledger; `failed` counts those that did not end well."""

    def __init__(self, launcher: Any) -> None:
        """Wrap a launcher of Hydra's."""
        self.launcher, self.failed = launcher, 0

    def launch(self, job_overrides: Sequence[Sequence[str]], initial_job_idx: int) -> list[JobReturn]:
        """Launch what is missing of a batch; print where the rows of each job are, or why it failed."""
        jobs = [Job.of(overrides) for overrides in job_overrides]
        if repeated := len(jobs) - len({job.rows for job in jobs}):
            repeats = f"{repeated} jobs repeat another job of this sweep"
            print(f"note: {repeats}: their overrides describe the same run", file=sys.stderr)
        for job, reason in zip(jobs, launch_recorded(self.launcher, jobs), strict=True):
            if reason:
                self.failed += 1
                print(f"error: {' '.join(job.overrides)}: {reason}", file=sys.stderr)
            else:
                print(job.rows)
        return []
