"""The config of a whole run."""

from dataclasses import dataclass, field

from data_gen.config import BesideConfig, CorpusConfig, FactsConfig, QuestionConfig, WorldConfig
from physics_lm.config.model import ModelConfig
from physics_lm.config.probe import ProbeConfig
from physics_lm.config.rewrite import RewriteConfig
from physics_lm.config.tokenizer import TokenizerConfig
from physics_lm.config.training import FinetuneConfig, PretrainConfig


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
