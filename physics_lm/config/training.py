"""Settings of pretraining and fine-tuning; what a fine-tuning method adds is in its module (physics_lm.methods)."""

from dataclasses import dataclass

from data_gen.errors import ConfigError
from data_gen.settings import kind, setting


@dataclass(frozen=True)
class TrainConfig:
    """Settings of a training loop (Part 3.1, section 2.4 and appendix).

    optimizer: adamw, or muon (torch.optim.Muon with `matrix_lr` for the hidden matrices, AdamW with `lr`
    for the rest). warmup: steps of linear rise. schedule: what follows: cosine or linear decay to `final` times the
    rate, constant, or wsd (constant, then a linear decay in the last fifth). batch: windows or questions per step.
    clip: largest gradient norm. save_every: steps between resumable checkpoints.
    precision: auto (bf16 where the device is fast in it), bf16 or fp32. compile: whether torch.compile compiles the
    loss: auto (long pretrainings on a GPU), always or never.
    objective: a module of physics_lm.objectives: causal (the next token), or for a bidirectional model masked (whole
    words at `mask_rate`; a question's answer) or uniform (a mask rate drawn anew for every row).
    """

    steps: int = setting(80_000, least=0)
    batch: int = setting(96, least=1)
    lr: float = setting(1e-3, above=0)
    optimizer: str = setting("adamw", choices=("adamw", "muon"))
    matrix_lr: float = setting(0.02, above=0)
    beta1: float = setting(0.9, least=0, below=1)
    beta2: float = setting(0.999, least=0, below=1)
    eps: float = setting(1e-6, above=0)
    weight_decay: float = setting(0.1, least=0)
    warmup: int = setting(1000, least=0)
    schedule: str = setting("cosine", choices=("cosine", "linear", "constant", "wsd"))
    final: float = setting(0.1, least=0, most=1)
    clip: float = setting(1.0, above=0)
    save_every: int = setting(1000, least=1, decides=False)
    precision: str = setting("auto", choices=("auto", "bf16", "fp32"), decides=False)
    compile: str = setting("auto", choices=("auto", "always", "never"), decides=False)
    objective: str = setting("causal")
    mask_rate: float = setting(0.15, above=0, most=1)


@dataclass(frozen=True)
class PretrainConfig(TrainConfig):
    """context: window length in tokens. question_share: share of windows that hold questions of P_train.

    shuffle: whether entries are shuffled over the whole corpus every epoch; false keeps a person's entries together,
    the negative control that the audit otherwise refuses.
    eval_every: steps between evaluations, 0 for none; they never change the weights. eval_people: people evaluated per
    split. facts: whether the sentences of `facts` are mixed into the entries; otherwise the model is fine-tuned on
    them.
    """

    context: int = setting(512, least=1)
    question_share: float = setting(0.0, least=0, below=1)
    shuffle: bool = setting(True)
    eval_every: int = setting(0, least=0)
    eval_people: int = setting(50, least=8)
    facts: bool = setting(False)


@dataclass(frozen=True)
class MethodConfig:
    """method: a module of physics_lm.methods, or none, which has no other setting: nothing is fine-tuned."""

    method: str = kind("full")


@dataclass(frozen=True)
class FinetuneConfig(TrainConfig, MethodConfig):
    """Fine-tuning on P_train's questions, with the loss on the answers.

    Where there are `facts` that pretraining has not read, training is on their sentences instead, with the loss on
    every token.
    """

    steps: int = setting(50_000, least=1)
    batch: int = setting(48, least=1)
    lr: float = setting(1e-4, above=0)
    weight_decay: float = setting(0.01, least=0)
    warmup: int = setting(0, least=0)


def check_training(section: str, config: TrainConfig) -> None:
    """Raise ConfigError naming the key where the rate would rise until after the last step."""
    if config.warmup > config.steps > 0:
        raise ConfigError(f"{section}.warmup={config.warmup}: between 0 and {section}.steps={config.steps}")
