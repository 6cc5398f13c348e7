"""Settings of the model that several kinds share; what a kind adds is in its module (physics_lm.models)."""

from dataclasses import dataclass

from data_gen.errors import ConfigError
from data_gen.settings import kind, setting


@dataclass(frozen=True)
class ModelConfig:
    """kind: a module of physics_lm.models."""

    kind: str = kind("gpt2_rotary")


@dataclass(frozen=True)
class ShapeConfig(ModelConfig):
    """A model with random weights. layers, width, heads: its shape. positions: longest context. dropout: in training"""

    layers: int = setting(12, least=1)
    width: int = setting(768, least=1)
    heads: int = setting(12, least=1)
    positions: int = setting(512, least=1)
    dropout: float = setting(0.0, least=0, below=1)


def check_heads(config: ShapeConfig) -> None:
    """Raise ConfigError naming the key where the heads do not share the width evenly."""
    if config.width % config.heads:
        raise ConfigError(f"model.heads={config.heads}: must divide model.width={config.width}")


def check_rotary(config: ShapeConfig) -> None:
    """Raise ConfigError naming the key where the heads cannot have rotary embeddings."""
    check_heads(config)
    if config.width // config.heads % 8:
        raise ConfigError(
            f"model.heads={config.heads}: rotary embeddings need model.width/model.heads to be a multiple of 8"
        )
