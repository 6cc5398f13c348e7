"""Arms are run by Hydra's launcher, the way a sweep is: one list of overrides a job, each written in the ledger."""

import hashlib
import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from hydra._internal.callbacks import Callbacks
from hydra._internal.config_loader_impl import ConfigLoaderImpl
from hydra._internal.utils import create_config_search_path
from hydra.core.plugins import Plugins
from hydra.core.utils import JobReturn, JobStatus
from hydra.types import HydraContext, RunMode
from omegaconf import DictConfig, OmegaConf

from data_gen.errors import ConfigError
from experiments.launch.config import CONF, run_config
from experiments.launch.errors import explain
from experiments.launch.hydra_internals import compose
from experiments.launch.ledger import Entry, Ledger
from experiments.run import task
from physics_lm import checks, plan, tracking
from physics_lm import run as pipeline
from physics_lm.config.run import RunConfig
from physics_lm.plan import Plan
from physics_lm.store.artifacts import Store
from physics_lm.training import distributed


@dataclass(frozen=True)
class Job:
    """One job of a sweep: what was asked for, and what it would make."""

    overrides: list[str]
    config: DictConfig
    run: RunConfig
    specs: Plan

    @classmethod
    def of(cls, overrides: Sequence[str], config: DictConfig | None = None) -> "Job":
        """Read a config, composed from the overrides unless given; raises ConfigError as `checks.check` does."""
        config = compose(overrides) if config is None else config
        run = run_config(config)
        checks.check(run)
        tracking.check(OmegaConf.to_object(config.tracking))
        return cls(list(overrides), config, run, plan.plan(run))

    @property
    def key(self) -> str:
        """The key of its rows, by which the ledger knows it."""
        return self.specs.probe.key

    @property
    def place(self) -> Path:
        """Where its rows are, or will be."""
        return self.store.folder(self.specs.probe) / "rows.parquet"

    @property
    def store(self) -> Store:
        """Where it writes."""
        return Store(Path(self.config.paths.lab))

    @property
    def ledger(self) -> Ledger:
        """Where it stands written."""
        return Ledger(self.store.lab)

    def entry(self, sweep: str = "", state: str = "planned") -> Entry:
        """Return a new ledger entry of the job."""
        settings = OmegaConf.to_container(self.config, resolve=True)
        assert isinstance(settings, dict)
        kept = {str(name): part for name, part in settings.items() if name not in ("figure", "plan", "hydra")}
        name = " ".join(item for item in self.overrides if not item.startswith(("paths.", "hydra", "figure")))
        return Entry(self.key, name, sweep, state, expected=float(self.config.scale.arm_seconds), config=kept)


def launch(jobs: Sequence["Job"]) -> list[str]:
    """Run every job through Hydra's launcher; return for each an empty text, or why it failed.

    Jobs whose rows are there are left alone. A failed job stops no other.
    """
    loader = ConfigLoaderImpl(create_config_search_path(CONF))
    config = loader.load_configuration("config", overrides=jobs[0].overrides, run_mode=RunMode.MULTIRUN)
    context = HydraContext(config_loader=loader, callbacks=Callbacks(config))
    launcher = Plugins.instance().instantiate_launcher(hydra_context=context, task_function=run_job, config=config)
    return record(launcher, jobs)


def record(launcher: Any, wanted: Sequence[Job]) -> list[str]:
    """Plan the jobs in the ledger, launch what is missing, and write how each ended; see `launch`."""
    if distributed.size() > 1:
        raise ConfigError("torchrun starts one run on several devices: use experiments.run without -m under it")
    sweep = hashlib.sha256("".join(sorted({one.key for one in wanted})).encode()).hexdigest()[:12]
    first: dict[Path, Job] = {}
    for one in wanted:
        first.setdefault(one.place, one)
    missing = order([one for one in first.values() if not _planned(one, sweep)])
    returns = launcher.launch([one.overrides for one in missing], initial_job_idx=0) if missing else []
    why = {one.place: _ended(one, done, sweep) for one, done in zip(missing, returns, strict=True)}
    return [why.get(one.place, "") for one in wanted]


def _planned(one: Job, sweep: str) -> bool:
    """Write a job into the ledger; whether its rows are there already."""
    one.store.check_writable()
    entry, complete = one.ledger.read(one.key), pipeline.complete(one.store, one.specs)
    if entry and one.ledger.alive(entry):
        print(f"joined: {entry.name} is being run by process {entry.pid} on {entry.host}", file=sys.stderr)
    elif complete and entry and entry.state == "done":
        one.ledger.write(replace(entry, sweep=sweep))
    else:
        one.ledger.write(one.entry(sweep, "done" if complete else "planned"))
    return complete


def order(jobs: list[Job]) -> list[Job]:
    """Return the jobs so that none waits for a model that another trains while there is other work.

    First the jobs that share no missing training with one before them, the longest first; then those that
    share one, after the shortest trainings; last what another launcher is running.
    """
    taken: set[str] = set()
    first: list[Job] = []
    later: list[Job] = []
    for one in sorted(jobs, key=lambda one: -one.run.pretrain.steps):
        trained = {step.key for step in one.specs.steps if step.step in ("pretrain", "finetune")}
        shared = {key for step, key in _missing(one) if step in ("pretrain", "finetune")} & taken
        (later if shared else first).append(one)
        taken |= trained
    ranked = first + sorted(later, key=lambda one: one.run.pretrain.steps)
    return sorted(ranked, key=_running)  # stable


def _missing(one: Job) -> list[tuple[str, str]]:
    return [(step.step, step.key) for step in one.specs.steps if not one.store.has(step)]


def _running(one: Job) -> bool:
    entry = one.ledger.read(one.key)
    return entry is not None and one.ledger.alive(entry)


def _ended(one: Job, done: JobReturn, sweep: str) -> str:
    """Return why a launched job failed, or an empty text; a job that could not say so itself is written down."""
    if done.status == JobStatus.COMPLETED:
        return str(done._return_value)
    entry = one.ledger.read(one.key) or one.entry(sweep)
    why = str(done._return_value)
    if entry.state != "failed":
        one.ledger.write(replace(entry, state="failed", error=why.splitlines()[0], traceback=why))
    return entry.error if entry.state == "failed" else why.splitlines()[0]


def run_job(config: DictConfig) -> str:
    """Run one job and write in the ledger how it stands; return an empty text, or why it failed."""
    try:
        one = Job.of([], config)
        entry = one.ledger.read(one.key) or one.entry()
        with one.ledger.running(entry):
            task(config, entry.sweep)
    except Exception as error:
        return explain(error) or f"{error.__class__.__name__}: {error}".splitlines()[0]
    return ""


class RecordingLauncher:
    """A launcher whose jobs go through the ledger; `failed` counts those that did not end well."""

    def __init__(self, launcher: Any) -> None:
        """Wrap a launcher of Hydra's."""
        self.launcher, self.failed = launcher, 0

    def launch(self, job_overrides: Sequence[Sequence[str]], initial_job_idx: int) -> list[JobReturn]:
        """Launch what is missing of a batch; say where the rows of each job are, or why it failed."""
        wanted = [Job.of(overrides) for overrides in job_overrides]
        if same := len(wanted) - len({one.place for one in wanted}):
            print(
                f"note: {same} jobs are others again: their settings decide no run, or come to the same",
                file=sys.stderr,
            )
        for one, why in zip(wanted, record(self.launcher, wanted), strict=True):
            if why:
                self.failed += 1
                print(f"error: {' '.join(one.overrides)}: {why}", file=sys.stderr)
            else:
                print(one.place)
        return []
