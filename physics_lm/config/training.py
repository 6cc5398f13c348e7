"""Settings of pretraining and fine-tuning."""

from dataclasses import dataclass, replace
from typing import Self

OBJECTIVES = ("causal", "masked", "uniform")
COMPILE_MODES = ("auto", "always", "never")


@dataclass(frozen=True)
class TrainConfig:
    """Settings of a training loop (Part 3.1, section 2.4 and appendix).

    optimizer: adamw, or muon (torch.optim.Muon with `matrix_lr` for the hidden matrices, AdamW with `lr`
    for the rest). warmup: steps of linear rise, then cosine decay to `final` times the rate. batch: windows or
    questions per step. clip: largest gradient norm. save_every: steps between resumable checkpoints.
    precision: auto (bf16 where the device is fast in it), bf16 or fp32. compile: whether torch.compile compiles the
    loss: auto (long pretrainings on a GPU), always or never.
    objective: causal (the next token), or for a bidirectional model masked (whole words at `mask_rate`; a question's
    answer) or uniform (a mask rate drawn anew for every row).
    """

    steps: int = 80_000
    batch: int = 96
    lr: float = 1e-3
    optimizer: str = "adamw"
    matrix_lr: float = 0.02
    beta1: float = 0.9
    beta2: float = 0.999
    eps: float = 1e-6
    weight_decay: float = 0.1
    warmup: int = 1000
    final: float = 0.1
    clip: float = 1.0
    save_every: int = 1000
    precision: str = "auto"
    compile: str = "auto"
    objective: str = "causal"
    mask_rate: float = 0.15

    @property
    def result_settings(self) -> Self:
        """The settings that decide the trained model; those that only change the computation are at their defaults."""
        return replace(
            self, save_every=TrainConfig.save_every, precision=TrainConfig.precision, compile=TrainConfig.compile
        )


@dataclass(frozen=True)
class PretrainConfig(TrainConfig):
    """context: window length in tokens. question_share: share of windows that hold questions of P_train.

    shuffle: whether entries are shuffled over the whole corpus every epoch; false keeps a person's entries together,
    the negative control that the audit otherwise refuses.
    eval_every: steps between evaluations, 0 for none; they never change the weights. eval_people: people evaluated per
    split. facts: whether the sentences of `facts` are mixed into the entries; otherwise the model is fine-tuned on
    them.
    """

    context: int = 512
    question_share: float = 0.0
    shuffle: bool = True
    eval_every: int = 0
    eval_people: int = 50
    facts: bool = False


@dataclass(frozen=True)
class FinetuneConfig(TrainConfig):
    """Fine-tuning on P_train's questions, with the loss on the answers. method: none, full (every weight), or lora.

    rank: of lora's update of the query and value matrices. embedding_rank: of its update of the embedding;
    0 keeps the embedding fixed (Part 3.1, appendix). Where there are `facts` that pretraining has not read,
    training is on their sentences instead, with the loss on every token.
    """

    steps: int = 50_000
    batch: int = 48
    lr: float = 1e-4
    weight_decay: float = 0.01
    warmup: int = 0
    method: str = "full"
    rank: int = 8
    embedding_rank: int = 128
