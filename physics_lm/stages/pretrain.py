"""Pretraining on windows of entries, or of entries and questions of P_train (Part 3.1, sections 2.4 and 3)."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from data_gen import questions
from data_gen.biographies import sentence_templates
from data_gen.corpus import beside
from data_gen.errors import ConfigError
from data_gen.people import world
from data_gen.people.attributes import NAMES
from physics_lm import models, needs, objectives
from physics_lm.config.model import ShapeConfig
from physics_lm.config.run import RunConfig
from physics_lm.config.training import check_training
from physics_lm.store import artifacts
from physics_lm.store.chain import Chain
from physics_lm.subject import Subject
from physics_lm.tracking import Tracker
from physics_lm.training import distributed

NAME, OUTPUT, TRAINS = "pretrain", "model", True
SHARE = 0.85  # of an arm's time
VERSION = 2


def spec(config: RunConfig, chain: Chain) -> artifacts.Spec:
    """Return the spec of the pretrained model. A checkpoint enters its key by its files, not by their path."""
    model, asked = artifacts.of_kind(models.load(config.model), config.model), config.questions
    settings: dict[str, Any] = {"seed": config.seed, "model": model, "pretrain": config.pretrain}
    if config.pretrain.question_share:
        settings["questions"] = artifacts.of_kind(questions.load(asked), asked)
    if weights := model.pop("path", None):
        settings["weights"] = weights
    facts = chain.get("facts")
    inputs = {"facts": facts} if facts and config.pretrain.facts else {}
    return artifacts.spec("pretrain", VERSION, settings, corpus=chain.entries, tokenizer=chain.tokenizer, **inputs)


def check(config: RunConfig) -> None:
    """Raise ConfigError where there is no such model, or it cannot be trained so."""
    settings, facts_needed = config.pretrain, needs.facts(config)
    model = models.load(config.model)
    model.check(config.model)
    check_training("pretrain", settings)
    objectives.load("pretrain", settings)
    distributed.check("pretrain", settings)
    if settings.steps < 1 and not getattr(model, "READ", ()):  # what is read from elsewhere may stay as it is
        raise ConfigError(f"pretrain.steps={settings.steps}: must be 1 or more")
    if settings.facts and facts_needed:
        raise ConfigError(f"pretrain.facts=true: needs {facts_needed}")
    _check_evaluations(config)
    _check_context(config)


def _check_evaluations(config: RunConfig) -> None:
    every, people = config.pretrain.eval_every, config.pretrain.eval_people
    if every and not config.pretrain.steps:
        raise ConfigError(f"pretrain.eval_every={every}: pretrain.steps=0 trains nothing; leave one out")
    if every:
        world.check(beside.unseen_world(config.beside, config.world, people))


def _check_context(config: RunConfig) -> None:
    """Raise ConfigError where the context is longer than the model's, or shorter than any entry."""
    context = config.pretrain.context
    if isinstance(config.model, ShapeConfig) and context > config.model.positions:
        raise ConfigError(
            f"pretrain.context={context}: longer than model.positions={config.model.positions}; "
            "shorten the context or raise model.positions"
        )
    least = _least_entry_words(config) if config.corpus.kind == "templates" else 0
    if context < least:
        raise ConfigError(
            f"pretrain.context={context}: shorter than any entry, which takes about {least} tokens or more; raise it"
        )


def _least_entry_words(config: RunConfig) -> int:
    """Return a lower bound on the words of every entry: those of the shortest template of each attribute."""
    templates = [sentence_templates.load_first(name, config.corpus.templates) for name in NAMES]
    return sum(min(len("".join(template.pieces).split()) for template in choices) for choices in templates)


def cost(config: RunConfig, usual: RunConfig) -> float:
    """Return the stage's part of the time of the usual run of a scale."""
    return SHARE * config.pretrain.steps / max(1, usual.pretrain.steps)


def make(subject: Subject, folder: Path, state: Path, tracker: Tracker) -> Mapping[str, Any]:
    """Write the pretrained model, its tokenizer, its loss curve and its evaluations."""
    from physics_lm.training import pretraining

    return pretraining.pretrain(subject, folder, state, tracker)
