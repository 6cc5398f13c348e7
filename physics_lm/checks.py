"""What stops a run before any work: every setting that cannot be, by its key, with the mend."""

from math import inf
from pathlib import Path
from typing import TYPE_CHECKING

from data_gen import facts, questions
from data_gen.biographies import recipes, sentence_templates
from data_gen.corpus import auxiliary, from_folder
from data_gen.errors import ConfigError
from data_gen.facts import cures
from data_gen.people import world
from data_gen.people.attributes import NAMES
from physics_lm import probes
from physics_lm.config.model import ModelConfig, check_model
from physics_lm.config.probe import LINEAR
from physics_lm.config.training import COMPILE, OBJECTIVES, FinetuneConfig, TrainConfig
from physics_lm.probes.linear import tasks
from physics_lm.training import distributed

if TYPE_CHECKING:
    from physics_lm.config.run import RunConfig


def check(config: "RunConfig") -> None:
    """Raise ConfigError (or PoolError, TemplateError) naming key and mend, before any work."""
    if not 0 <= config.seed < 2**31:
        raise ConfigError(f"seed={config.seed}: must be 0 or more and below 2**31")
    world.check(config.world)
    recipes.check(config.corpus)
    _check_beside(config)
    if config.corpus.kind == "folder":
        from_folder.read(config.corpus.path, world.make(config.world, config.seed))
    _check_rewrite(config)
    for name in ("pretrain", "prior", "finetune"):
        loaded = name == "pretrain" and config.model.kind == "checkpoint"  # such a model may be left as it is
        _check_train(name, getattr(config, name), 0 if loaded else 1)
        distributed.check(name, getattr(config, name))
    check_model(config.model)
    if config.probe.batch < 1:
        raise ConfigError(f"probe.batch={config.probe.batch}: must be 1 or more")
    if config.tokenizer.kind == "bpe" and config.tokenizer.size < 300:
        raise ConfigError(f"tokenizer.size={config.tokenizer.size}: 300 or more, since every byte is a token")
    if config.tokenizer.kind not in ("word", "bpe", "gpt2"):
        raise ConfigError(f"tokenizer.kind={config.tokenizer.kind}: choose word, bpe or gpt2")
    if config.tokenizer.compact and config.tokenizer.kind == "word":
        raise ConfigError("tokenizer.compact=true: a word tokenizer has only the corpus's words; choose bpe or gpt2")
    for name in ("prior", "finetune"):
        _check_method(name, getattr(config, name), config.model)
    _check_objectives(config)
    questions.check(config.questions, config.world)
    if config.questions.hint != "none" and config.probe.kind in ("extraction", "bidirectional"):
        raise ConfigError(
            f"questions.hint={config.questions.hint}: probe.kind={config.probe.kind} does not tell a hint from "
            "its answer; set probe=manipulation"
        )
    facts.check(config.facts, config.world.pools)
    cures.check(config.facts)
    probes.check(config.probe.kind)
    if config.probe.kind in LINEAR:
        _check_linear(config)
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


def _check_beside(config: "RunConfig") -> None:
    auxiliary.check(config.beside, config.world, config.corpus)
    if config.beside.kind != "none" and config.rewrite.path:
        raise ConfigError(
            f"beside.kind={config.beside.kind}: a rewriting knows the corpus's people only; empty rewrite.path"
        )


def _check_linear(config: "RunConfig") -> None:
    """Raise ConfigError where a linear probe cannot be, or the model that it would look at reads both ways."""
    tasks.check(config.probe)
    for name in ("finetune", "prior", "pretrain"):
        step = getattr(config, name)
        if step.objective != "causal" and getattr(step, "method", "") != "none":
            raise ConfigError(
                f"probe.kind={config.probe.kind}: looks at what was read up to a place, and {name}.objective="
                f"{step.objective} makes a model that reads both ways; choose probe=extraction or the objective causal"
            )


def _check_facts(config: "RunConfig") -> None:
    if config.facts.kind == "none":
        for key, wanted in (
            ("probe.kind", config.probe.kind.startswith("reversal")),
            ("pretrain.facts", config.pretrain.facts),
        ):
            if wanted:
                raise ConfigError(f"{key}: there are no facts to tell or ask about; choose facts=names")


def _shortest_entry(config: "RunConfig") -> int:
    """Return a lower bound in words of the longest entry: the shortest template of every attribute."""
    total = 0
    for name in NAMES:
        texts = ["".join(t.pieces) for t in sentence_templates.first(name, config.corpus.templates)]
        total += min(len(text.split()) for text in texts)
    return total


def _check_objectives(config: "RunConfig") -> None:
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
    if config.probe.kind == "bidirectional" and config.pretrain.objective == "causal":
        raise ConfigError(
            "probe.kind=bidirectional: restores masked words, and pretrain.objective=causal makes a model that reads "
            "one way; set pretrain.objective=masked or uniform, or choose probe=extraction"
        )
    onward = config.probe.kind in ("manipulation", "reversal_logprob")
    if onward and (last := getattr(config, before).objective) != "causal":
        raise ConfigError(
            f"probe.kind={config.probe.kind}: reads answers token by token, and {before}.objective={last} makes a "
            "model that reads both ways; choose probe=extraction, probe=reversal or the objective causal"
        )


def _check_train(name: str, config: TrainConfig, fewest: int) -> None:
    for key, least in (("steps", fewest), ("batch", 1), ("save_every", 1)):
        if getattr(config, key) < least:
            raise ConfigError(f"{name}.{key}={getattr(config, key)}: must be {least} or more")
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
    if config.compile not in COMPILE:
        raise ConfigError(f"{name}.compile={config.compile}: choose {', '.join(COMPILE)}")
    if config.objective not in OBJECTIVES:
        raise ConfigError(f"{name}.objective={config.objective}: choose one of {', '.join(OBJECTIVES)}")
    if not 0 < config.mask_rate <= 1:
        raise ConfigError(f"{name}.mask_rate={config.mask_rate}: above 0, at most 1")
    if config.warmup < 0 or config.warmup > config.steps > 0:
        raise ConfigError(f"{name}.warmup={config.warmup}: between 0 and {name}.steps={config.steps}")


def _check_rewrite(config: "RunConfig") -> None:
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


def _check_evaluations(config: "RunConfig") -> None:
    settings = config.pretrain
    if settings.eval_every < 0:
        raise ConfigError(f"pretrain.eval_every={settings.eval_every}: 0 for no evaluations, or more")
    if config.probe.kind == "curves" and not settings.eval_every:
        raise ConfigError("probe=curves: there are no evaluations to read; set pretrain.eval_every")
    if settings.eval_every:
        if not settings.steps:
            raise ConfigError(
                f"pretrain.eval_every={settings.eval_every}: pretrain.steps=0 trains nothing; leave one out"
            )
        if settings.eval_people < 8:
            raise ConfigError(f"pretrain.eval_people={settings.eval_people}: 8 or more people of each split")
        world.check(auxiliary.after(config.beside, config.world, settings.eval_people))


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
