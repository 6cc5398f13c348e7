"""The steps of a run made one after the other, each once, by one process or by several together."""

import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from data_gen.questions.question import SPLITS
from physics_lm.config.run import RunConfig
from physics_lm.data import tokenizers
from physics_lm.plan import Plan
from physics_lm.steps import Job
from physics_lm.store.artifacts import Spec, Store
from physics_lm.tracking import Build, Tracker, mirrored
from physics_lm.training import distributed

TRAINED = ("pretrain", "finetune")  # steps that several processes make together


def run(config: RunConfig, specs: Plan, store: Store, tracker: Tracker) -> Path:
    """Make every missing artifact of a run; return the folder of the probe's rows."""
    job, folder = Job(config, specs, store, tracker), store.lab
    if not store.has(specs.tokenizer):
        tokenizers.check(config.tokenizer)
    for split in SPLITS:
        job.asked(config.questions, split)  # what cannot be asked ends here
    makers = [
        job.corpus, job.rewrite, job.facts, job.tokenizer, job.pretrain, job.prior, job.finetune, job.probe
    ]  # fmt: skip
    wanted = [
        specs.corpus, specs.rewrite, specs.facts, specs.tokenizer, specs.pretrain, specs.prior, specs.finetune,
        specs.probe,
    ]  # fmt: skip
    distributed.start()
    for step, maker in zip(wanted, makers, strict=True):
        if step is not None:
            folder = _made(store, step, mirrored(tracker, step, maker))
    distributed.end()
    return folder


def _made(store: Store, step: Spec, build: Build) -> Path:
    """Make a step. Under torchrun the first process makes it, and calls the others to what is trained."""

    def together(folder: Path, state: Path) -> Mapping[str, Any]:
        if step.step in TRAINED:
            distributed.call()
        return build(folder, state)

    if distributed.rank():
        with tempfile.TemporaryDirectory() as aside:
            distributed.follow(lambda: build(Path(aside), store.partial(step) / "state"))
        return store.folder(step)
    folder = store.make(step, together)
    distributed.done()
    return folder
