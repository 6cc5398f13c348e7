"""A model that was trained elsewhere, read from a local checkpoint folder."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from data_gen.errors import ConfigError
from data_gen.settings import kind, setting
from physics_lm.config.model import ModelConfig

if TYPE_CHECKING:
    from transformers import PreTrainedModel

VERSION = 1
READ = ("layers", "width", "heads", "positions")  # columns of the rows, read from the model itself


@dataclass(frozen=True)
class Config(ModelConfig):
    """path: a local folder that transformers can load."""

    kind: str = kind("checkpoint")
    path: str = setting("", content=True)


def check(config: Config) -> None:
    """Raise ConfigError where the path is no folder with a model."""
    if not config.path or not (Path(config.path) / "config.json").exists():
        raise ConfigError(f"model.path={config.path}: a local folder with a transformers model is needed")


def build(config: Config, tokens: dict[str, Any]) -> "PreTrainedModel":
    """Return the model with the folder's weights; raises ConfigError where the folder holds no checkpoint."""
    from physics_lm import checkpoints

    try:
        return checkpoints.load(Path(config.path))
    except checkpoints.UNREADABLE as error:
        raise checkpoints.refusal(f"model.path={config.path}", error) from None
