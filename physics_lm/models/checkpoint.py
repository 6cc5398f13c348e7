"""A model that was trained elsewhere, read from a local checkpoint folder."""

from pathlib import Path
from typing import Any

from safetensors import SafetensorError
from transformers import PreTrainedModel

from data_gen.errors import ConfigError
from physics_lm.config.model import ModelConfig
from physics_lm.models import loading


def build(config: ModelConfig, tokens: dict[str, Any]) -> PreTrainedModel:
    """Return the model with the folder's weights; raises ConfigError where the folder holds no checkpoint."""
    try:
        return loading.load(Path(config.path))
    except (OSError, ValueError, SafetensorError) as error:
        raise ConfigError(f"model.path={config.path}: no checkpoint folder ({str(error).splitlines()[0]})") from None
