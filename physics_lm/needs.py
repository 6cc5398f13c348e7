"""What a component may need of a run, for it to declare in its NEEDS.

Each function returns an empty text where a run has it; else what is needed, which setting is against it, and the mend.
"""

from collections.abc import Callable

from data_gen.config import ToldFactsConfig
from data_gen.kinds import making
from physics_lm import objectives
from physics_lm.config.run import SECTIONS, RunConfig
from physics_lm.config.training import TrainConfig

Need = Callable[[RunConfig], str]


def last_objective(config: RunConfig, before: str = "") -> tuple[str, TrainConfig]:
    """Return the last training of a run, or the last before a section, and its settings."""
    sections = SECTIONS[: SECTIONS.index(before)] if before else SECTIONS
    made = [(name, getattr(config, name)) for name in sections]
    return [(name, settings) for name, settings in made if isinstance(settings, TrainConfig)][-1]


def causal_model(config: RunConfig) -> str:
    """Need a model that is causal after its last training."""
    name, settings = last_objective(config)
    if not objectives.load(name, settings).BIDIRECTIONAL:
        return ""
    return (
        f"a causal model, and {name}.objective={settings.objective} makes a bidirectional one; "
        f"set the objectives to {objectives.names(bidirectional=False)}"
    )


def bidirectional_pretraining(config: RunConfig) -> str:
    """Need a model that attends to later tokens from its pretraining on."""
    if objectives.load("pretrain", config.pretrain).BIDIRECTIONAL:
        return ""
    return (
        f"a bidirectional model, and pretrain.objective={config.pretrain.objective} makes a causal one; "
        f"set pretrain.objective={objectives.names(bidirectional=True)}"
    )


def no_hints(config: RunConfig) -> str:
    """Need questions whose answers are not preceded by a hint."""
    hint = config.questions.hint
    return "" if hint == "none" else f"questions without hints, and questions.hint={hint}; set questions.hint=none"


def facts(config: RunConfig) -> str:
    """Need facts (the reversal curse)."""
    if isinstance(config.facts, ToldFactsConfig):
        return ""
    choices = " or ".join(f"facts={name}" for name in making("data_gen.facts", "make"))
    return f"facts, and facts.kind={config.facts.kind}; choose {choices}"


def evaluations(config: RunConfig) -> str:
    """Need evaluations during pretraining."""
    return "" if config.pretrain.eval_every else "evaluations, and pretrain.eval_every=0; set pretrain.eval_every"
