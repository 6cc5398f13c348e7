"""Checkpoints: transformers folders, written and read here alone, and embeddings that grow with a vocabulary.

Beside the weights as floats and the tokenizer a folder may hold further tensors, each set in a safetensors file of its
name: integers and scales of a quantized model, for example.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor
from transformers import AutoModelForCausalLM, PreTrainedModel, PreTrainedTokenizerBase
from transformers.utils import logging

from data_gen.errors import ConfigError

logging.disable_progress_bar()
UNREADABLE = (OSError, ValueError, SafetensorError)  # what a folder without a checkpoint raises


@dataclass(frozen=True)
class Trained:
    """A trained model and what else its checkpoint holds. tensors: by the name of their file, then by their own."""

    model: PreTrainedModel
    tensors: Mapping[str, Mapping[str, Tensor]] = field(default_factory=dict)


def save(folder: Path, trained: Trained, tokenizer: PreTrainedTokenizerBase) -> None:
    """Write a checkpoint; plain transformers load its model and tokenizer."""
    trained.model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    for name, tensors in trained.tensors.items():
        save_file(dict(tensors), folder / f"{name}.safetensors")


def load(folder: Path, dtype: Any = torch.float32) -> PreTrainedModel:
    """Return the model of a local folder on the CPU; raises one of UNREADABLE where it holds none."""
    model: PreTrainedModel = AutoModelForCausalLM.from_pretrained(folder, local_files_only=True, dtype=dtype)
    return model


def load_tensors(folder: Path, name: str) -> dict[str, Tensor]:
    """Return the tensors of a checkpoint's file `name`; raises FileNotFoundError where there is none."""
    tensors: dict[str, Tensor] = load_file(folder / f"{name}.safetensors")
    return tensors


def refusal(setting: str, error: Exception) -> ConfigError:
    """Return the one-line error for a folder without a checkpoint. setting: names it, as in `model.path=DIR`."""
    return ConfigError(f"{setting}: no checkpoint folder ({str(error).splitlines()[0]})")


def padded(vocabulary: int) -> int:
    """Return the rows of an embedding for so many token ids: the next multiple of 64."""
    return -(-vocabulary // 64) * 64


def widen(model: PreTrainedModel, vocabulary: int, seed: int) -> PreTrainedModel:
    """Give the model embeddings for `vocabulary` token ids; new ones are drawn like the old, from `seed`."""
    if model.get_input_embeddings().num_embeddings < vocabulary:
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            previous_verbosity = logging.get_verbosity()
            logging.set_verbosity_error()  # it explains at length that new embeddings are drawn like the old
            model.resize_token_embeddings(padded(vocabulary))
            logging.set_verbosity(previous_verbosity)
    return model


def shape(model: PreTrainedModel) -> dict[str, int]:
    """Return a model's sizes by their names in ModelConfig, whatever its own config calls them."""
    config = model.config
    return {
        "layers": config.num_hidden_layers,
        "width": config.hidden_size,
        "heads": config.num_attention_heads,
        "positions": config.max_position_embeddings,
    }
