"""Validation of a run's config before any work; each error names the key and how to fix it."""

from math import inf
from pathlib import Path

from data_gen import facts, questions
from data_gen.biographies import recipes, sentence_templates
from data_gen.corpus import auxiliary, from_folder
from data_gen.errors import ConfigError
from data_gen.facts import cures
from data_gen.people import world
from data_gen.people.attributes import NAMES
from physics_lm import probes
from physics_lm.config.model import ModelConfig, check_model
from physics_lm.config.probe import LINEAR_PROBES
from physics_lm.config.run import RunConfig
from physics_lm.config.tokenizer import TokenizerConfig
from physics_lm.config.training import COMPILE_MODES, OBJECTIVES, FinetuneConfig, TrainConfig
from physics_lm.probes.linear import tasks
from physics_lm.training import distributed


def check(config: RunConfig) -> None:
    """Raise ConfigError (or PoolError, TemplateError) naming the key and how to fix it, before any work."""
    _require(0 <= config.seed < 2**31, f"seed={config.seed}: must be 0 or more and below 2**31")
    world.check(config.world)
    recipes.check(config.corpus)
    auxiliary.check(config.beside, config.world, config.corpus)
    _require(
        config.beside.kind == "none" or not config.rewrite.path,
        f"beside.kind={config.beside.kind}: auxiliary entries cannot be rewritten; leave rewrite.path empty",
    )
    if config.corpus.kind == "folder":
        from_folder.read(config.corpus.path, world.make(config.world, config.seed))
    _check_rewrite(config)
    for name in ("pretrain", "prior", "finetune"):
        loaded = name == "pretrain" and config.model.kind == "checkpoint"  # may stay untrained
        _check_training(name, getattr(config, name), 0 if loaded else 1)
        distributed.check(name, getattr(config, name))
    check_model(config.model)
    _require(config.probe.batch >= 1, f"probe.batch={config.probe.batch}: must be 1 or more")
    _check_tokenizer(config.tokenizer)
    for name in ("prior", "finetune"):
        _check_method(name, getattr(config, name), config.model)
    _check_objectives(config)
    questions.check(config.questions, config.world)
    _require(
        config.questions.hint == "none" or config.probe.kind not in ("extraction", "bidirectional"),
        f"questions.hint={config.questions.hint}: probe.kind={config.probe.kind} does not tell a hint from "
        "its answer; set probe=manipulation",
    )
    facts.check(config.facts, config.world.pools)
    cures.check(config.facts)
    probes.check(config.probe.kind)
    if config.probe.kind in LINEAR_PROBES:
        _check_linear_probe(config)
    _check_facts(config)
    share = config.pretrain.question_share
    _require(0 <= share < 1, f"pretrain.question_share={share}: from 0 to below 1")
    _check_evaluations(config)
    _check_context(config)


def _require(valid: bool, message: str) -> None:
    if not valid:
        raise ConfigError(message)


def _check_tokenizer(config: TokenizerConfig) -> None:
    valid = config.kind != "bpe" or config.size >= 300
    _require(valid, f"tokenizer.size={config.size}: 300 or more, since every byte is a token")
    _require(config.kind in ("word", "bpe", "gpt2"), f"tokenizer.kind={config.kind}: choose word, bpe or gpt2")
    valid = not config.compact or config.kind != "word"
    _require(valid, "tokenizer.compact=true: a word tokenizer has only the corpus's words; choose bpe or gpt2")


def _check_linear_probe(config: RunConfig) -> None:
    """Raise ConfigError where a linear probe's settings are not valid, or its model would be bidirectional."""
    tasks.check(config.probe)
    for name in ("finetune", "prior", "pretrain"):
        settings = getattr(config, name)
        _require(
            settings.objective == "causal" or getattr(settings, "method", "") == "none",
            f"probe.kind={config.probe.kind}: needs a causal model, and {name}.objective={settings.objective} makes a "
            "bidirectional one; choose probe=extraction or the objective causal",
        )


def _check_facts(config: RunConfig) -> None:
    """Raise ConfigError where a setting needs facts and there are none."""
    kind = config.probe.kind
    needs_facts = {f"probe.kind={kind}": kind.startswith("reversal"), "pretrain.facts=true": config.pretrain.facts}
    for setting, needed in needs_facts.items():
        valid = config.facts.kind != "none" or not needed
        _require(valid, f"{setting}: needs facts, and facts.kind=none; choose facts=names")


def _check_context(config: RunConfig) -> None:
    """Raise ConfigError where the context is longer than the model's, or shorter than any entry."""
    context, positions = config.pretrain.context, config.model.positions
    _require(
        config.model.kind == "checkpoint" or context <= positions,
        f"pretrain.context={context}: longer than model.positions={positions}; "
        "shorten the context or raise model.positions",
    )
    least = _least_entry_words(config) if config.corpus.kind == "templates" else 0
    _require(
        context >= least,
        f"pretrain.context={context}: shorter than any entry, which takes about {least} tokens or more; raise it",
    )


def _least_entry_words(config: RunConfig) -> int:
    """Return a lower bound on the words of every entry: those of the shortest template of each attribute."""
    templates = [sentence_templates.load_first(name, config.corpus.templates) for name in NAMES]
    return sum(min(len("".join(template.pieces).split()) for template in choices) for choices in templates)


def _check_objectives(config: RunConfig) -> None:
    """Raise ConfigError where a bidirectional model would be trained or probed as a causal one, or the reverse."""
    last = "pretrain"
    for name in ("prior", "finetune"):
        if (settings := getattr(config, name)).method == "none":
            continue
        objective = getattr(config, last).objective
        _require(
            settings.objective != "causal" or objective == "causal",
            f"{name}.objective=causal: {last}.objective={objective} makes a bidirectional model; "
            f"set {name}.objective=masked or uniform",
        )
        last = name
    kind, objective = config.probe.kind, getattr(config, last).objective
    _require(
        kind != "bidirectional" or config.pretrain.objective != "causal",
        "probe.kind=bidirectional: needs a bidirectional model, and pretrain.objective=causal makes a causal one; "
        "set pretrain.objective=masked or uniform, or choose probe=extraction",
    )
    _require(
        kind not in ("manipulation", "reversal_logprob") or objective == "causal",
        f"probe.kind={kind}: needs a causal model, and {last}.objective={objective} makes a bidirectional one; "
        "choose probe=extraction, probe=reversal or the objective causal",
    )


def _check_training(name: str, config: TrainConfig, least_steps: int) -> None:
    for key, least in (("steps", least_steps), ("batch", 1), ("save_every", 1)):
        _require(getattr(config, key) >= least, f"{name}.{key}={getattr(config, key)}: must be {least} or more")
    for key in ("lr", "matrix_lr", "clip", "eps"):
        value = getattr(config, key)
        _require(0 < value < inf, f"{name}.{key}={value}: must be above 0 and finite")
    for key in ("beta1", "beta2", "final"):
        value = getattr(config, key)
        _require(0 <= value < 1 or (key == "final" and value == 1), f"{name}.{key}={value}: from 0 to below 1")
    _require(0 <= config.weight_decay < inf, f"{name}.weight_decay={config.weight_decay}: 0 or more")
    _require(config.optimizer in ("adamw", "muon"), f"{name}.optimizer={config.optimizer}: choose adamw or muon")
    valid = config.precision in ("auto", "bf16", "fp32")
    _require(valid, f"{name}.precision={config.precision}: choose auto, bf16 or fp32")
    _require(config.compile in COMPILE_MODES, f"{name}.compile={config.compile}: choose {', '.join(COMPILE_MODES)}")
    valid = config.objective in OBJECTIVES
    _require(valid, f"{name}.objective={config.objective}: choose one of {', '.join(OBJECTIVES)}")
    _require(0 < config.mask_rate <= 1, f"{name}.mask_rate={config.mask_rate}: above 0, at most 1")
    valid = config.warmup >= 0 and not config.warmup > config.steps > 0
    _require(valid, f"{name}.warmup={config.warmup}: between 0 and {name}.steps={config.steps}")


def _check_rewrite(config: RunConfig) -> None:
    settings, path = config.rewrite, config.rewrite.path
    for key in ("words", "tokens", "tries", "batch"):
        _require(getattr(settings, key) >= 1, f"rewrite.{key}={getattr(settings, key)}: must be 1 or more")
    _require(0 <= settings.temperature < inf, f"rewrite.temperature={settings.temperature}: 0 or more")
    valid = not path or (Path(path) / "config.json").exists()
    _require(valid, f"rewrite.path={path}: a local folder with a transformers model is needed")
    valid = not path or not config.corpus.fresh
    _require(valid, "corpus.fresh: entries are rewritten once; set it to false, or leave rewrite.path empty")


def _check_evaluations(config: RunConfig) -> None:
    every, people, steps = config.pretrain.eval_every, config.pretrain.eval_people, config.pretrain.steps
    _require(every >= 0, f"pretrain.eval_every={every}: 0 for no evaluations, or more")
    valid = bool(every) or config.probe.kind != "curves"
    _require(valid, "probe=curves: there are no evaluations to read; set pretrain.eval_every")
    if every:
        _require(steps > 0, f"pretrain.eval_every={every}: pretrain.steps=0 trains nothing; leave one out")
        _require(people >= 8, f"pretrain.eval_people={people}: 8 or more people of each split")
        world.check(auxiliary.unseen_world(config.beside, config.world, people))


def _check_method(name: str, config: FinetuneConfig, model: ModelConfig) -> None:
    _require(config.method in ("none", "full", "lora"), f"{name}.method={config.method}: choose none, full or lora")
    if config.method == "lora":
        _require(
            config.optimizer == "adamw", f"{name}.optimizer={config.optimizer}: lora's factors are trained by adamw"
        )
        for key, least in (("rank", 1), ("embedding_rank", 0)):
            value = getattr(config, key)
            valid = least <= value and (model.kind == "checkpoint" or value <= model.width)
            _require(valid, f"{name}.{key}={value}: from {least} to model.width={model.width}")
