"""Models of transformers' own classes, a module for each `model.kind` (Part 3.1, section 2.4 and appendix)."""

import importlib

import torch
from transformers import PreTrainedModel

from data_gen.errors import ConfigError
from physics_lm.config.model import ModelConfig, check_model
from physics_lm.models.loading import padded


def build(config: ModelConfig, vocabulary: int, end_id: int, seed: int) -> PreTrainedModel:
    """Return a model initialised from `seed`, or with the weights of the checkpoint folder `config.path`.

    vocabulary: number of token ids; the embedding is padded to a multiple of 64. end_id: the end token's id.
    Raises ConfigError as `check_model` does and where a checkpoint's vocabulary is too small.
    """
    check_model(config)
    kind = importlib.import_module(f"physics_lm.models.{config.kind}")
    tokens = {"vocab_size": padded(vocabulary), "bos_token_id": end_id, "eos_token_id": end_id}
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model: PreTrainedModel = kind.build(config, tokens)
    if model.get_input_embeddings().num_embeddings < vocabulary:
        raise ConfigError(f"model.path={config.path}: its vocabulary is smaller than the tokenizer's {vocabulary}")
    return model
