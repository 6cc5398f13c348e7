"""Fine-tuning on the answers to P_train's questions, or on facts that pretraining has not read."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from data_gen import questions
from data_gen.config import QuestionConfig
from data_gen.errors import ConfigError
from physics_lm import methods, needs, objectives
from physics_lm.config.run import RunConfig
from physics_lm.config.training import FinetuneConfig, MethodConfig, check_training
from physics_lm.stages import pretrain
from physics_lm.store import artifacts
from physics_lm.store.chain import Chain
from physics_lm.subject import Subject
from physics_lm.tracking import Tracker
from physics_lm.training import distributed

NAME, OUTPUT, TRAINS = "finetune", "model", True
VERSION = 1


def spec(config: RunConfig, chain: Chain) -> artifacts.Spec | None:
    """Return the spec of the fine-tuned model, or None where nothing is fine-tuned."""
    facts = None if config.pretrain.facts else chain.get("facts")
    return spec_of(config.seed, config.finetune, config.questions, chain.model, facts)


def spec_of(
    seed: int, settings: MethodConfig, asked: QuestionConfig, model: artifacts.Spec, facts: artifacts.Spec | None
) -> artifacts.Spec | None:
    """Return the spec of a fine-tuning of a model on questions, or on facts where they are given."""
    if not isinstance(settings, FinetuneConfig):
        return None
    config = {"seed": seed, "finetune": artifacts.of_kind(methods.load("finetune", settings), settings)}
    if facts:
        return artifacts.spec("finetune", VERSION, config, model=model, facts=facts)
    config["questions"] = artifacts.of_kind(questions.load(asked), asked)
    return artifacts.spec("finetune", VERSION, config, model=model)


def check(config: RunConfig) -> None:
    """Raise ConfigError where the model cannot be fine-tuned so, or there are no such questions."""
    questions.check(config.questions, config.world)
    check_section("finetune", config)


def check_section(section: str, config: RunConfig) -> None:
    """Raise ConfigError where a fine-tuning is impossible."""
    settings = getattr(config, section)
    method = methods.load(section, settings)
    if not isinstance(settings, FinetuneConfig):
        return
    check_training(section, settings)
    objective = objectives.load(section, settings)
    distributed.check(section, settings)
    method.check(section, settings, config)
    last, before = needs.last_objective(config, section)
    if not objective.BIDIRECTIONAL and objectives.load(last, before).BIDIRECTIONAL:
        possible = objectives.names(bidirectional=True)
        raise ConfigError(
            f"{section}.objective={settings.objective}: {last}.objective={before.objective} makes a bidirectional "
            f"model; set {section}.objective={possible}"
        )


def cost(config: RunConfig, usual: RunConfig) -> float:
    """Return the stage's part of the time of the usual run of a scale."""
    return cost_of(config.finetune, usual)


def cost_of(settings: MethodConfig, usual: RunConfig) -> float:
    """Return the part of a fine-tuning in the time of the usual run, whose own takes what pretraining leaves."""
    assert isinstance(settings, FinetuneConfig)
    assert isinstance(usual.finetune, FinetuneConfig)
    return (1 - pretrain.SHARE) * settings.steps / usual.finetune.steps


def make(subject: Subject, folder: Path, state: Path, tracker: Tracker) -> Mapping[str, Any]:
    """Write the fine-tuned model, its tokenizer and its loss curve."""
    from physics_lm.training import finetuning

    config, chain = subject.config, subject.chain
    base = chain.before(NAME).model
    assert isinstance(config.finetune, FinetuneConfig)  # or the run lacks the stage
    if chain.get("facts") and not config.pretrain.facts:
        return finetuning.on_facts(subject, base, config.finetune, folder, state, tracker)
    return finetuning.on_questions(subject, base, config.finetune, config.questions, folder, state, tracker)
