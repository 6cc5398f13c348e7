"""Settings of the model."""

from dataclasses import dataclass
from pathlib import Path

from data_gen.errors import ConfigError

KINDS = ("gpt2", "gpt2_rotary", "llama", "mistral", "checkpoint")


@dataclass(frozen=True)
class ModelConfig:
    """kind: gpt2, gpt2_rotary, llama, mistral, or checkpoint (a local folder, `path`).

    layers, width, heads: the shape. positions: longest context. dropout: in training. sharing: number of mistral's
    query heads per key and value head, at most `heads`.
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
    """Raise ConfigError naming the key and how to fix it where the shape is impossible."""
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
