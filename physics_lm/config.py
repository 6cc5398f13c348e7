"""Settings of everything that learns; no torch here, so that a command line is read at once."""

from dataclasses import dataclass, replace
from pathlib import Path

from data_gen.config import ConfigError

OBJECTIVES = ("causal", "masked", "uniform")
LINEAR = ("p_probe", "q_probe")  # probes that learn
ASKS = ("bidirectional", "curves", "extraction", "manipulation", "reversal", "reversal_logprob")  # that only ask
COMPILE = ("auto", "always", "never")
KINDS = ("gpt2", "gpt2_rotary", "llama", "mistral", "checkpoint")


@dataclass(frozen=True)
class RewriteConfig:
    """A local instruct model that writes every entry anew (Part 3.1, section 2.2: bioR).

    path: its transformers folder; empty leaves the entries as they are. words: asked for. tokens: at most.
    tries: how often an entry is asked for until the name and all six values stand in it; then it is left out.
    temperature: of the sampling; 0 takes the likeliest. batch: entries at a time.
    """

    path: str = ""
    words: int = 50
    tokens: int = 160
    tries: int = 8
    temperature: float = 1.0
    batch: int = 16


@dataclass(frozen=True)
class TokenizerConfig:
    """kind: word or bpe (trained on the corpus), or gpt2 (from the hub). size: bpe's vocabulary.

    compact: of bpe and gpt2 only the tokens that the corpus uses, under new ids; undone at export.
    """

    kind: str = "gpt2"
    size: int = 4096
    compact: bool = False


@dataclass(frozen=True)
class ModelConfig:
    """kind: gpt2, gpt2_rotary, llama, mistral, or checkpoint (a local folder, `path`).

    layers, width, heads: the shape. positions: longest context. dropout: of a model in training. sharing: how
    many of mistral's query heads share a key and a value head, as far as there are that many.
    """

    kind: str = "gpt2_rotary"
    layers: int = 12
    width: int = 768
    heads: int = 12
    positions: int = 512
    dropout: float = 0.0
    path: str = ""
    sharing: int = 1


def check_model(config: ModelConfig) -> None:
    """Raise ConfigError naming the key and the mend where the shape is impossible."""
    if config.kind not in KINDS:
        raise ConfigError(f"model.kind={config.kind}: choose one of {', '.join(KINDS)}")
    if config.kind == "checkpoint":
        if not config.path or not (Path(config.path) / "config.json").exists():
            raise ConfigError(f"model.path={config.path}: a local folder with a transformers model is needed")
        return
    if config.path:
        raise ConfigError(f"model.path={config.path}: given with model=checkpoint, and with nothing else")
    if min(config.layers, config.width, config.heads, config.positions) < 1:
        raise ConfigError("model: layers, width, heads and positions must be 1 or more")
    if not 0 <= config.dropout < 1:
        raise ConfigError(f"model.dropout={config.dropout}: from 0 to below 1")
    if config.width % config.heads:
        raise ConfigError(f"model.heads={config.heads}: must divide model.width={config.width}")
    if config.sharing < 1 or config.heads % min(config.sharing, config.heads):
        raise ConfigError(f"model.sharing={config.sharing}: must divide model.heads={config.heads}")
    if config.kind != "gpt2" and config.width // config.heads % 8:
        raise ConfigError(
            f"model.heads={config.heads}: rotary embeddings need model.width/model.heads to be a multiple of 8"
        )


@dataclass(frozen=True)
class TrainConfig:
    """How a loop trains (Part 3.1, section 2.4 and appendix).

    optimizer: adamw, or muon (torch.optim.Muon with `matrix_lr` for the hidden matrices, AdamW with `lr`
    for the rest). warmup: steps of linear rise, then cosine to `final` times the rate. batch: windows or
    questions a step. clip: largest gradient norm. save_every: steps between resumable checkpoints.
    precision: auto (bf16 where the device is fast in it), bf16 or fp32. compile: the loss by torch.compile: auto
    (long pretrainings on a GPU), always or never.
    objective: causal (the next token), or a model that reads both ways and restores masked tokens: masked
    (whole words at `mask_rate`; a question's answer) or uniform (a rate drawn anew for every row).
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


@dataclass(frozen=True)
class PretrainConfig(TrainConfig):
    """context: window length in tokens. question_share: share of windows that hold questions of P_train.

    shuffle: entries are shuffled over the whole corpus every epoch; false lays a person's entries side by
    side, the negative control that the audit otherwise refuses.
    eval_every: steps between evaluations, 0 for none; the weights are the same with and without. eval_people:
    people of each split who are asked. facts: the sentences of `facts` are read among the entries; otherwise the
    model is fine-tuned on them.
    """

    context: int = 512
    question_share: float = 0.0
    shuffle: bool = True
    eval_every: int = 0
    eval_people: int = 50
    facts: bool = False


@dataclass(frozen=True)
class FinetuneConfig(TrainConfig):
    """On P_train's questions, loss on the answers. method: none, full (every weight is trained), or lora.

    rank: of lora's update of the query and value matrices. embedding_rank: of its update of the embedding;
    0 leaves the embedding as it is (Part 3.1, appendix). Where there are `facts` that pretraining has not read,
    on their sentences instead, loss on every token.
    """

    steps: int = 50_000
    batch: int = 48
    lr: float = 1e-4
    weight_decay: float = 0.01
    warmup: int = 0
    method: str = "full"
    rank: int = 8
    embedding_rank: int = 128


@dataclass(frozen=True)
class ProbeConfig:
    """What is asked of the trained model. kind: a module of physics_lm.probes. batch: rows a forward pass.

    The rest is of probes that learn (p_probe, q_probe; Part 3.1, appendix). examples: entries or names a step. rank: of
    the embedding's update. shared: one update for all tasks and positions of an attribute, and one for all controls,
    instead of one for each. tasks: all, or some joined by + (first, whole, first_major, whole_major, ...). positions:
    all, or some joined by +. save_every: steps between resumable states. precision: in which the frozen model reads,
    as of a training.
    """

    kind: str = "extraction"
    batch: int = 256
    steps: int = 30_000
    examples: int = 50
    lr: float = 1e-3
    weight_decay: float = 0.3
    rank: int = 2
    shared: bool = False
    tasks: str = "all"
    positions: str = "all"
    save_every: int = 1000
    precision: str = "auto"

    @property
    def used(self) -> "ProbeConfig":
        """The settings that decide a result of this kind of probe: all but how, where it does more than ask."""
        if self.kind in ASKS:
            return ProbeConfig(self.kind, self.batch)
        return replace(self, save_every=ProbeConfig.save_every, precision=ProbeConfig.precision)


@dataclass(frozen=True)
class TrackingConfig:
    """kind: none, or wandb. project: its project. mode: online, offline, or auto (offline where it must be)."""

    kind: str = "none"
    project: str = "physics-lm"
    mode: str = "auto"
