"""The way through: world, corpus, tokenizer, pretrain, finetune, probe; each step one artifact.

Every step has a spec (what decides it), so plans are made without running anything, and torch is
imported only where something must be computed.
"""

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from data_gen import fingerprint
from data_gen.config import QuestionConfig
from physics_lm.config.probe import LINEAR
from physics_lm.config.training import FinetuneConfig, TrainConfig
from physics_lm.store.artifacts import Spec, spec

if TYPE_CHECKING:
    pass
from physics_lm.config.columns import pathless
from physics_lm.config.run import RunConfig

VERSIONS = {
    **dict.fromkeys(("corpus", "rewrite", "facts", "tokenizer", "finetune"), 1),
    "pretrain": 2,
    "probe": 2,
    "linear": 2,  # of the probes that learn
}


@dataclass(frozen=True)
class Plan:
    """The specs of a run's steps, in order; None where the run has no `rewrite`, `facts`, `prior` or `finetune`."""

    corpus: Spec
    rewrite: Spec | None
    facts: Spec | None
    tokenizer: Spec
    pretrain: Spec
    prior: Spec | None
    finetune: Spec | None
    probe: Spec

    @property
    def steps(self) -> list[Spec]:
        """The specs in the order in which they are made."""
        first = [self.corpus, self.rewrite, self.facts, self.tokenizer]
        steps = [*first, self.pretrain, self.prior, self.finetune, self.probe]
        return [step for step in steps if step is not None]

    @property
    def read(self) -> Spec:
        """The spec of the entries that are read: as they were told, or rewritten."""
        return self.rewrite or self.corpus

    @property
    def model(self) -> Spec:
        """The spec of the model that is probed."""
        return self.finetune or self.prior or self.pretrain


def plan(config: RunConfig) -> Plan:
    """Return the specs of a run; computes nothing."""
    seeded = {"seed": config.seed}
    # what lies at a path decides, not where it lies
    told = {**seeded, "world": config.world, "corpus": replace(config.corpus, path="")}
    if config.corpus.path:
        told["texts"] = fingerprint.fingerprint(config.corpus.path)
    if config.beside.kind != "none":
        told["beside"] = config.beside
    corpus = spec("corpus", VERSIONS["corpus"], told)
    rewrite = None
    if config.rewrite.path:
        writer = {"rewrite": replace(config.rewrite, path=""), "model": fingerprint.fingerprint(config.rewrite.path)}
        rewrite = spec("rewrite", VERSIONS["rewrite"], writer, corpus=corpus)
    read = rewrite or corpus
    tokenizer = spec("tokenizer", VERSIONS["tokenizer"], {"tokenizer": config.tokenizer}, corpus=read)
    trained = {**seeded, "model": config.model, "pretrain": _what(config.pretrain)}
    if config.pretrain.question_share:
        trained["questions"] = config.questions
    if config.model.kind == "checkpoint":
        trained["model"] = replace(config.model, path="")
        trained["weights"] = fingerprint.fingerprint(config.model.path)
    linked = _facts(config)
    among = {"facts": linked} if linked and config.pretrain.facts else {}
    pretrain = spec("pretrain", VERSIONS["pretrain"], trained, corpus=read, tokenizer=tokenizer, **among)
    prior = _finetune(config, config.prior, QuestionConfig(), pretrain)
    finetune = _finetune(config, config.finetune, config.questions, prior or pretrain, None if among else linked)
    asked = {"probe": config.probe.used, "questions": config.questions}
    known = {"facts": linked} if linked else {}
    version = VERSIONS["linear" if config.probe.kind in LINEAR else "probe"]
    probe = spec("probe", version, asked, model=finetune or prior or pretrain, **known)
    return Plan(corpus, rewrite, linked, tokenizer, pretrain, prior, finetune, probe)


def _facts(config: RunConfig) -> Spec | None:
    if config.facts.kind == "none":
        return None
    pools = {name: config.world.pools.get(name) for name in ("first_name", "last_name")}
    return spec("facts", VERSIONS["facts"], {"seed": config.seed, "facts": pathless(config.facts), "pools": pools})


def _finetune(
    config: RunConfig, settings: FinetuneConfig, asked: QuestionConfig, model: Spec, told: Spec | None = None
) -> Spec | None:
    if settings.method == "none":
        return None
    tuned = {"seed": config.seed, "finetune": _what(settings)}
    if told:
        return spec("finetune", VERSIONS["finetune"], tuned, model=model, facts=told)
    return spec("finetune", VERSIONS["finetune"], {**tuned, "questions": asked}, model=model)


def _what(config: TrainConfig) -> TrainConfig:
    return replace(
        config, save_every=TrainConfig.save_every, precision=TrainConfig.precision, compile=TrainConfig.compile
    )
