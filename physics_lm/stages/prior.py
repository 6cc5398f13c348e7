"""A fine-tuning on extraction questions before the fine-tuning on `questions` (model M' of Part 3.2, section 4)."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from data_gen.config import QuestionConfig
from physics_lm.config.run import RunConfig
from physics_lm.config.training import FinetuneConfig
from physics_lm.stages import finetune
from physics_lm.store import artifacts
from physics_lm.store.chain import Chain
from physics_lm.subject import Subject
from physics_lm.tracking import Tracker

NAME, OUTPUT, TRAINS = "prior", "model", True
VERSION = finetune.VERSION


def spec(config: RunConfig, chain: Chain) -> artifacts.Spec | None:
    """Return the spec of the fine-tuned model, or None without one; in the store it is a `finetune`."""
    return finetune.spec_of(config.seed, config.prior, QuestionConfig(), chain.model, None)


def check(config: RunConfig) -> None:
    """Raise ConfigError where the model cannot be fine-tuned so."""
    finetune.check_section("prior", config)


def cost(config: RunConfig, usual: RunConfig) -> float:
    """Return the stage's part of the time of the usual run of a scale."""
    return finetune.cost_of(config.prior, usual)


def make(subject: Subject, folder: Path, state: Path, tracker: Tracker) -> Mapping[str, Any]:
    """Write the fine-tuned model, its tokenizer and its loss curve."""
    from physics_lm.training import finetuning

    config, base = subject.config, subject.chain.before(NAME).model
    assert isinstance(config.prior, FinetuneConfig)  # or the run lacks the stage
    return finetuning.on_questions(subject, base, config.prior, QuestionConfig(), folder, state, tracker)
