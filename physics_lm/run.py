"""Execute a run: make each missing artifact, stage by stage."""

import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from data_gen.questions.question import SPLITS
from physics_lm import checks, job_scheduler
from physics_lm.config.run import RunConfig
from physics_lm.plan import plan
from physics_lm.stages import STAGES, Stage
from physics_lm.store.artifacts import Store
from physics_lm.store.chain import Chain
from physics_lm.subject import Subject
from physics_lm.tracking import Tracker, with_tracking
from physics_lm.training import distributed


def execute(config: RunConfig, lab: Path, tracker: Tracker | None = None) -> Path:
    """Make what is missing of a run; return the folder of its rows.

    tracker: mirrors the stages that are made. Raises ConfigError, PoolError, TemplateError or AuditError, most of them
    before anything is trained; those of linear probes and of a fine-tuning's questions come after pretraining.
    """
    checks.check(config)
    return execute_chain(config, plan(config), lab, tracker)


def execute_chain(config: RunConfig, chain: Chain, lab: Path, tracker: Tracker | None = None) -> Path:
    """Execute a run that was checked and planned; see `execute`."""
    store = Store(lab)
    store.check_writable()
    if distributed.size() == 1 and complete(store, chain):
        return store.folder(chain.rows)
    mirror = Tracker() if distributed.rank() else tracker or Tracker()
    return _make(Subject(config, chain, store), mirror)


def complete(store: Store, chain: Chain) -> bool:
    """Whether a run's rows are there, and nothing that is there of the run is damaged."""
    return store.is_intact(chain.rows) and all(store.is_intact(spec) for spec in chain.steps if store.has(spec))


def _make(subject: Subject, tracker: Tracker) -> Path:
    """Make every missing artifact; return the folder of the last."""
    from physics_lm.data import tokenizers  # imports torch

    if not subject.store.has(subject.chain.tokenizer):
        tokenizers.check(subject.config.tokenizer)
    for split in SPLITS:
        subject.questions(split)  # raises ConfigError for questions that cannot be asked, before any work
    distributed.start()
    folders = []
    for number, stage in enumerate(STAGES):
        if subject.chain.get(stage.NAME):
            with job_scheduler.at_stage(number):
                folders.append(_make_stage(stage, subject, tracker))
    distributed.end()
    return folders[-1]


def _make_stage(stage: Stage, subject: Subject, tracker: Tracker) -> Path:
    """Make a stage. Under torchrun the first process makes it, and calls the others where a model is trained."""
    store, spec = subject.store, subject.chain[stage.NAME]

    def make(folder: Path, state: Path) -> Mapping[str, Any]:
        return stage.make(subject, folder, state, tracker)

    tracked = stage.TRAINS or stage.OUTPUT == "rows"
    build = with_tracking(tracker, spec, make) if tracked else make

    def call_and_build(folder: Path, state: Path) -> Mapping[str, Any]:
        if stage.TRAINS:
            distributed.broadcast(distributed.TRAINING)
        return build(folder, state)

    if distributed.rank():
        with tempfile.TemporaryDirectory() as aside:
            distributed.join_trainings(lambda: build(Path(aside), store.partial_folder(spec) / "state"))
        return store.folder(spec)
    folder = store.make(spec, call_and_build)
    distributed.broadcast(distributed.STEP_DONE)
    return folder
