"""The way through: world, corpus, tokenizer, pretrain, finetune, probe; each step one artifact.

Every step has a spec (what decides it), so plans are made without running anything, and torch is
imported only where something must be computed.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from data_gen import folder
from data_gen.config import BesideConfig, CorpusConfig, FactsConfig, QuestionConfig, WorldConfig
from physics_lm import checks, distributed
from physics_lm.artifacts import Spec, Store, spec
from physics_lm.config import (
    LINEAR,
    FinetuneConfig,
    ModelConfig,
    PretrainConfig,
    ProbeConfig,
    RewriteConfig,
    TokenizerConfig,
    TrainConfig,
)

if TYPE_CHECKING:
    from physics_lm.tracking import Tracker

VERSIONS = {
    **dict.fromkeys(("corpus", "rewrite", "facts", "tokenizer", "finetune"), 1),
    "pretrain": 2,
    "probe": 2,
    "linear": 2,  # of the probes that learn
}
# settings that change how a result is reached, never which result, and where on this machine something lies
HOW = ("save_every", "precision", "compile", "path")


@dataclass(frozen=True)
class RunConfig:
    """Everything that decides one run. seed sets world, corpus and initialisation together.

    beside: what else is read, and is part of the corpus on disk: celebrities, or texts that tell of nobody.
    rewrite: a local instruct model that writes the entries anew before anything is trained on them.
    prior: a fine-tuning on extraction questions before `finetune` on `questions` (the model M' of Part 3.2).
    """

    seed: int = 0
    world: WorldConfig = field(default_factory=WorldConfig)
    corpus: CorpusConfig = field(default_factory=CorpusConfig)
    beside: BesideConfig = field(default_factory=BesideConfig)
    rewrite: RewriteConfig = field(default_factory=RewriteConfig)
    facts: FactsConfig = field(default_factory=FactsConfig)
    tokenizer: TokenizerConfig = field(default_factory=TokenizerConfig)
    model: ModelConfig = field(default_factory=ModelConfig)
    pretrain: PretrainConfig = field(default_factory=PretrainConfig)
    prior: FinetuneConfig = field(default_factory=lambda: FinetuneConfig(method="none"))
    questions: QuestionConfig = field(default_factory=QuestionConfig)
    finetune: FinetuneConfig = field(default_factory=FinetuneConfig)
    probe: ProbeConfig = field(default_factory=ProbeConfig)


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
        told["texts"] = folder.fingerprint(config.corpus.path)
    if config.beside.kind != "none":
        told["beside"] = config.beside
    corpus = spec("corpus", VERSIONS["corpus"], told)
    rewrite = None
    if config.rewrite.path:
        writer = {"rewrite": replace(config.rewrite, path=""), "model": folder.fingerprint(config.rewrite.path)}
        rewrite = spec("rewrite", VERSIONS["rewrite"], writer, corpus=corpus)
    read = rewrite or corpus
    tokenizer = spec("tokenizer", VERSIONS["tokenizer"], {"tokenizer": config.tokenizer}, corpus=read)
    trained = {**seeded, "model": config.model, "pretrain": _what(config.pretrain)}
    if config.pretrain.question_share:
        trained["questions"] = config.questions
    if config.model.kind == "checkpoint":
        trained["model"] = replace(config.model, path="")
        trained["weights"] = folder.fingerprint(config.model.path)
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
    return spec("facts", VERSIONS["facts"], {"seed": config.seed, "facts": _pathless(config.facts), "pools": pools})


def _pathless(config: FactsConfig) -> FactsConfig:
    """Return the config with a folder's content in the place of its path, where it is read."""
    read = config.folder and config.kind == "names"
    return replace(config, folder=folder.fingerprint(config.folder) if read else "")


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


def run(config: RunConfig, lab: Path, tracker: "Tracker | None" = None) -> Path:
    """Make what is missing of a run, step by step; return the folder of its rows.

    tracker: mirrors the steps that are made. Raises ConfigError, AuditError and their kin before anything is trained.
    """
    checks.check(config)
    store, specs = Store(lab), plan(config)
    store.check_writable()
    if distributed.size() == 1 and complete(store, specs):
        return store.folder(specs.probe)
    from physics_lm import making  # heavy: torch and transformers
    from physics_lm.tracking import Tracker

    mirror = Tracker() if distributed.rank() else tracker or Tracker()
    return making.run(config, specs, store, mirror)


def complete(store: Store, specs: Plan) -> bool:
    """Whether a run's rows are there, and nothing that is there of the run is damaged."""
    return store.sound(specs.probe) and all(store.sound(step) for step in specs.steps if store.has(step))


def columns(config: RunConfig) -> Mapping[str, Any]:
    """Return the arm's config as flat columns, e.g. `corpus.entries`; what decides a row and nothing else.

    `corpus.path`, `model.path` and `rewrite.path`, where something was read there, hold its fingerprint.
    """
    flat: dict[str, Any] = {}
    beside = config.beside if config.beside.kind != "none" else BesideConfig()
    _flatten(asdict(replace(config, beside=beside, facts=_pathless(config.facts), probe=config.probe.used)), "", flat)
    read = {f"{name}.path": getattr(config, name).path for name in ("corpus", "model", "rewrite")}
    decides = {key: value for key, value in flat.items() if key.rpartition(".")[2] not in HOW}
    return decides | {key: folder.fingerprint(path) for key, path in read.items() if path}


def _flatten(value: Mapping[str, Any], prefix: str, into: dict[str, Any]) -> None:
    for key, part in value.items():
        if isinstance(part, Mapping):
            _flatten(part, f"{prefix}{key}.", into)
        else:
            into[prefix + key] = part
