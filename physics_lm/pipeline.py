"""The way through: world, corpus, tokenizer, pretrain, finetune, probe; each step one artifact.

Every step has a spec (what decides it), so plans are made without running anything, and torch is
imported only where something must be computed.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from math import inf
from pathlib import Path
from typing import TYPE_CHECKING, Any

from data_gen import biographies, cures, facts, folder, questions, sentences, world
from data_gen.attributes import NAMES
from data_gen.config import ConfigError, CorpusConfig, FactsConfig, QuestionConfig, WorldConfig
from physics_lm import artifacts, distributed, probes
from physics_lm.artifacts import Spec, Store, spec
from physics_lm.config import (
    OBJECTIVES,
    FinetuneConfig,
    ModelConfig,
    PretrainConfig,
    ProbeConfig,
    RewriteConfig,
    TokenizerConfig,
    TrainConfig,
    check_model,
)

if TYPE_CHECKING:
    from physics_lm.tracking import Tracker

VERSIONS = {"corpus": 1, "rewrite": 1, "facts": 1, "tokenizer": 1, "pretrain": 1, "finetune": 1, "probe": 1}
# settings that change how a result is reached, never which result, and where on this machine something lies
HOW = ("save_every", "precision", "path")


@dataclass(frozen=True)
class RunConfig:
    """Everything that decides one run. seed sets world, corpus and initialisation together.

    rewrite: a local instruct model that writes the entries anew before anything is trained on them.
    prior: a fine-tuning on extraction questions before `finetune` on `questions` (the model M' of Part 3.2).
    """

    seed: int = 0
    world: WorldConfig = field(default_factory=WorldConfig)
    corpus: CorpusConfig = field(default_factory=CorpusConfig)
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
        trained["weights"] = artifacts.digest(Path(config.model.path))
    linked = _facts(config)
    among = {"facts": linked} if linked and config.pretrain.facts else {}
    pretrain = spec("pretrain", VERSIONS["pretrain"], trained, corpus=read, tokenizer=tokenizer, **among)
    prior = _finetune(config, config.prior, QuestionConfig(), pretrain)
    finetune = _finetune(config, config.finetune, config.questions, prior or pretrain, None if among else linked)
    asked = {"probe": config.probe, "questions": config.questions}
    known = {"facts": linked} if linked else {}
    probe = spec("probe", VERSIONS["probe"], asked, model=finetune or prior or pretrain, **known)
    return Plan(corpus, rewrite, linked, tokenizer, pretrain, prior, finetune, probe)


def _facts(config: RunConfig) -> Spec | None:
    if config.facts.kind == "none":
        return None
    pools = {name: config.world.pools.get(name) for name in ("first_name", "last_name")}
    return spec("facts", VERSIONS["facts"], {"seed": config.seed, "facts": _pathless(config.facts), "pools": pools})


def _pathless(config: FactsConfig) -> FactsConfig:
    """Return the config with a folder's content in the place of its path, where it is read."""
    return replace(config, folder=facts.digest(config.folder) if config.kind == "names" else "")


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
    return replace(config, save_every=TrainConfig.save_every, precision=TrainConfig.precision)


def check(config: RunConfig) -> None:
    """Raise ConfigError (or PoolError, TemplateError) naming key and mend, before any work."""
    if not 0 <= config.seed < 2**31:
        raise ConfigError(f"seed={config.seed}: must be 0 or more and below 2**31")
    world.check(config.world)
    biographies.check(config.corpus)
    if config.corpus.kind == "folder":
        folder.read(config.corpus.path, world.make(config.world, config.seed))
    _check_rewrite(config)
    for name in ("pretrain", "prior", "finetune"):
        _check_train(name, getattr(config, name))
        distributed.check(name, getattr(config, name))
    check_model(config.model)
    if config.probe.batch < 1:
        raise ConfigError(f"probe.batch={config.probe.batch}: must be 1 or more")
    if config.tokenizer.kind == "bpe" and config.tokenizer.size < 300:
        raise ConfigError(f"tokenizer.size={config.tokenizer.size}: 300 or more, since every byte is a token")
    if config.tokenizer.kind not in ("word", "bpe", "gpt2"):
        raise ConfigError(f"tokenizer.kind={config.tokenizer.kind}: choose word, bpe or gpt2")
    for name in ("prior", "finetune"):
        _check_method(name, getattr(config, name), config.model)
    _check_objectives(config)
    questions.check(config.questions, config.world)
    facts.check(config.facts, config.world.pools)
    cures.check(config.facts)
    probes.check(config.probe.kind)
    _check_facts(config)
    if not 0 <= config.pretrain.question_share < 1:
        raise ConfigError(f"pretrain.question_share={config.pretrain.question_share}: from 0 to below 1")
    _check_evaluations(config)
    if config.model.kind != "checkpoint" and config.pretrain.context > config.model.positions:
        raise ConfigError(
            f"pretrain.context={config.pretrain.context}: longer than model.positions={config.model.positions}; "
            "shorten the context or raise model.positions"
        )
    shortest = _shortest_entry(config) if config.corpus.kind == "templates" else 0
    if config.pretrain.context < shortest:
        raise ConfigError(
            f"pretrain.context={config.pretrain.context}: shorter than an entry, which takes about {shortest} "
            "tokens or more; raise it"
        )


def _check_facts(config: RunConfig) -> None:
    if config.facts.kind == "none":
        for key, wanted in (
            ("probe.kind", config.probe.kind.startswith("reversal")),
            ("pretrain.facts", config.pretrain.facts),
        ):
            if wanted:
                raise ConfigError(f"{key}: there are no facts to tell or ask about; choose facts=names")


def _shortest_entry(config: RunConfig) -> int:
    """Return a lower bound in words of the longest entry: the shortest template of every attribute."""
    total = 0
    for name in NAMES:
        texts = ["".join(t.pieces) for t in sentences.first(name, config.corpus.templates)]
        total += min(len(text.split()) for text in texts)
    return total


def _check_objectives(config: RunConfig) -> None:
    """Raise ConfigError where a model that has learned to read both ways would go on one way."""
    before = "pretrain"
    for name in ("prior", "finetune"):
        if (step := getattr(config, name)).method == "none":
            continue
        first = getattr(config, before).objective
        if step.objective == "causal" != first:
            raise ConfigError(
                f"{name}.objective=causal: {before}.objective={first} makes a model that reads both ways; "
                f"set {name}.objective=masked or uniform"
            )
        before = name
    if config.probe.kind == "manipulation" and (last := getattr(config, before).objective) != "causal":
        raise ConfigError(
            f"probe.kind=manipulation: writes answers token by token, and {before}.objective={last} makes a model that "
            "reads both ways; choose probe=extraction or the objective causal"
        )


def _check_train(name: str, config: TrainConfig) -> None:
    for key in ("steps", "batch", "save_every"):
        if getattr(config, key) < 1:
            raise ConfigError(f"{name}.{key}={getattr(config, key)}: must be 1 or more")
    for key in ("lr", "matrix_lr", "clip", "eps"):
        if not 0 < getattr(config, key) < inf:
            raise ConfigError(f"{name}.{key}={getattr(config, key)}: must be above 0 and finite")
    for key in ("beta1", "beta2", "final"):
        if not 0 <= getattr(config, key) <= 1 or (key != "final" and getattr(config, key) == 1):
            raise ConfigError(f"{name}.{key}={getattr(config, key)}: from 0 to below 1")
    if not 0 <= config.weight_decay < inf:
        raise ConfigError(f"{name}.weight_decay={config.weight_decay}: 0 or more")
    if config.optimizer not in ("adamw", "muon"):
        raise ConfigError(f"{name}.optimizer={config.optimizer}: choose adamw or muon")
    if config.precision not in ("auto", "bf16", "fp32"):
        raise ConfigError(f"{name}.precision={config.precision}: choose auto, bf16 or fp32")
    if config.objective not in OBJECTIVES:
        raise ConfigError(f"{name}.objective={config.objective}: choose one of {', '.join(OBJECTIVES)}")
    if not 0 < config.mask_rate <= 1:
        raise ConfigError(f"{name}.mask_rate={config.mask_rate}: above 0, at most 1")
    if config.warmup < 0 or config.warmup > config.steps:
        raise ConfigError(f"{name}.warmup={config.warmup}: between 0 and {name}.steps={config.steps}")


def _check_rewrite(config: RunConfig) -> None:
    settings = config.rewrite
    for key in ("words", "tokens", "tries", "batch"):
        if getattr(settings, key) < 1:
            raise ConfigError(f"rewrite.{key}={getattr(settings, key)}: must be 1 or more")
    if not 0 <= settings.temperature < inf:
        raise ConfigError(f"rewrite.temperature={settings.temperature}: 0 or more")
    if settings.path and not (Path(settings.path) / "config.json").exists():
        raise ConfigError(f"rewrite.path={settings.path}: a local folder with a transformers model is needed")
    if settings.path and config.corpus.fresh:
        raise ConfigError("corpus.fresh: entries are rewritten once; set it to false, or leave rewrite.path empty")


def _check_evaluations(config: RunConfig) -> None:
    settings = config.pretrain
    if settings.eval_every < 0:
        raise ConfigError(f"pretrain.eval_every={settings.eval_every}: 0 for no evaluations, or more")
    if config.probe.kind == "curves" and not settings.eval_every:
        raise ConfigError("probe=curves: there are no evaluations to read; set pretrain.eval_every")
    if settings.eval_every:
        if settings.eval_people < 8:
            raise ConfigError(f"pretrain.eval_people={settings.eval_people}: 8 or more people of each split")
        world.check(world.strangers(config.world, settings.eval_people))


def _check_method(name: str, config: FinetuneConfig, model: ModelConfig) -> None:
    if config.method not in ("none", "full", "lora"):
        raise ConfigError(f"{name}.method={config.method}: choose none, full or lora")
    if config.method != "lora":
        return
    if config.optimizer != "adamw":
        raise ConfigError(f"{name}.optimizer={config.optimizer}: lora's factors are trained by adamw")
    for key, least in (("rank", 1), ("embedding_rank", 0)):
        value = getattr(config, key)
        if value < least or (model.kind != "checkpoint" and value > model.width):
            raise ConfigError(f"{name}.{key}={value}: from {least} to model.width={model.width}")


def run(config: RunConfig, lab: Path, tracker: "Tracker | None" = None) -> Path:
    """Make what is missing of a run, step by step; return the folder of its rows.

    tracker: mirrors the steps that are made. Raises ConfigError, AuditError and their kin before anything is trained.
    """
    check(config)
    store, specs = Store(lab), plan(config)
    store.check_writable()
    if distributed.size() == 1 and complete(store, specs):
        return store.folder(specs.probe)
    from physics_lm import steps  # heavy: torch and transformers
    from physics_lm.tracking import Tracker

    mirror = Tracker() if distributed.rank() else tracker or Tracker()
    return steps.run(config, specs, store, mirror)


def complete(store: Store, specs: Plan) -> bool:
    """Whether a run's rows are there, and nothing that is there of the run is damaged."""
    return store.sound(specs.probe) and all(store.sound(step) for step in specs.steps if store.has(step))


def columns(config: RunConfig) -> Mapping[str, Any]:
    """Return the arm's config as flat columns, e.g. `corpus.entries`; what decides a row and nothing else."""
    flat: dict[str, Any] = {}
    _flatten(asdict(replace(config, facts=_pathless(config.facts))), "", flat)
    return {key: value for key, value in flat.items() if key.rpartition(".")[2] not in HOW}


def _flatten(value: Mapping[str, Any], prefix: str, into: dict[str, Any]) -> None:
    for key, part in value.items():
        if isinstance(part, Mapping):
            _flatten(part, f"{prefix}{key}.", into)
        else:
            into[prefix + key] = part
