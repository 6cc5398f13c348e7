"""Fine-tuning on the answers to P_train's questions, or on facts that pretraining has not read."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from data_gen.config import QuestionConfig
from physics_lm.config.run import RunConfig
from physics_lm.config.training import FinetuneConfig
from physics_lm.store import artifacts
from physics_lm.store.chain import Chain
from physics_lm.subject import Subject
from physics_lm.tracking import Tracker

NAME, OUTPUT, TRAINS = "finetune", "model", True
VERSION = 1


def spec(config: RunConfig, chain: Chain) -> artifacts.Spec | None:
    """Return the spec of the fine-tuned model, or None where nothing is fine-tuned."""
    facts = None if config.pretrain.facts else chain.get("facts")
    return spec_of(config.seed, config.finetune, config.questions, chain.model, facts)


def spec_of(
    seed: int, settings: FinetuneConfig, questions: QuestionConfig, model: artifacts.Spec, facts: artifacts.Spec | None
) -> artifacts.Spec | None:
    """Return the spec of a fine-tuning of a model on questions, or on facts where they are given."""
    if settings.method == "none":
        return None
    config = {"seed": seed, "finetune": settings.result_settings}
    if facts:
        return artifacts.spec("finetune", VERSION, config, model=model, facts=facts)
    return artifacts.spec("finetune", VERSION, {**config, "questions": questions}, model=model)


def make(subject: Subject, folder: Path, state: Path, tracker: Tracker) -> Mapping[str, Any]:
    """Write the fine-tuned model, its tokenizer and its loss curve."""
    from physics_lm.training import finetuning

    config, chain = subject.config, subject.chain
    base = "prior" if chain.get("prior") else "pretrain"
    if chain.get("facts") and not config.pretrain.facts:
        return finetuning.on_facts(subject, base, config.finetune, folder, state, tracker)
    return finetuning.on_questions(subject, base, config.finetune, config.questions, folder, state, tracker)
