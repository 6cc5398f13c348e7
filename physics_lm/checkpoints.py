"""Checkpoints: transformers folders, loaded in fp32, and embeddings that grow with a vocabulary."""

from pathlib import Path

import torch
from transformers import AutoModelForCausalLM, PreTrainedModel
from transformers.utils import logging

logging.disable_progress_bar()


def load(folder: Path) -> PreTrainedModel:
    """Return the model of a local folder, in fp32 on the CPU; raises OSError or ValueError where it holds none."""
    model: PreTrainedModel = AutoModelForCausalLM.from_pretrained(folder, local_files_only=True, dtype=torch.float32)
    return model


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
