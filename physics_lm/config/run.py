"""The config of a whole run."""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any

from data_gen.config import BesideConfig, CorpusConfig, FactsConfig, QuestionConfig, WorldConfig
from physics_lm.config.model import ModelConfig, ShapeConfig
from physics_lm.config.probe import ProbeConfig
from physics_lm.config.rewrite import RewriteConfig
from physics_lm.config.tokenizer import TokenizerConfig
from physics_lm.config.training import FinetuneConfig, MethodConfig, PretrainConfig


def _kinds(package: str, default: Any) -> Any:
    """Return the field of a section whose settings depend on its kind. package: of the kinds; see data_gen.kinds."""
    return field(default_factory=lambda: default, metadata={"kinds": package})


@dataclass(frozen=True)
class RunConfig:
    """Everything that decides one run. seed sets world, corpus and initialisation together.

    beside: auxiliary entries, part of the corpus on disk: celebrities, or unrelated texts about nobody.
    rewrite: a local instruct model that rewrites the entries before anything is trained on them.
    prior: a fine-tuning on extraction questions before `finetune` on `questions` (the model M' of Part 3.2).
    """

    seed: int = 0
    world: WorldConfig = field(default_factory=WorldConfig)
    corpus: CorpusConfig = field(default_factory=CorpusConfig)
    beside: BesideConfig = _kinds("data_gen.corpus.beside", BesideConfig())
    rewrite: RewriteConfig = field(default_factory=RewriteConfig)
    facts: FactsConfig = _kinds("data_gen.facts", FactsConfig())
    tokenizer: TokenizerConfig = field(default_factory=TokenizerConfig)
    model: ModelConfig = _kinds("physics_lm.models", ShapeConfig())
    pretrain: PretrainConfig = field(default_factory=PretrainConfig)
    prior: MethodConfig = _kinds("physics_lm.methods", MethodConfig("none"))
    questions: QuestionConfig = _kinds("data_gen.questions", QuestionConfig())
    finetune: MethodConfig = _kinds("physics_lm.methods", FinetuneConfig())
    probe: ProbeConfig = _kinds("physics_lm.probes", ProbeConfig())


SECTIONS = [item.name for item in fields(RunConfig) if item.name != "seed"]
KIND_PACKAGES: Mapping[str, str] = {
    item.name: item.metadata["kinds"] for item in fields(RunConfig) if "kinds" in item.metadata
}  # the package of a section's kinds
