"""Models of transformers' own classes, by config (Part 3.1, section 2.4 and appendix)."""

from typing import Any

import torch
from safetensors import SafetensorError
from transformers import (
    AutoModelForCausalLM,
    GPT2Config,
    GPT2LMHeadModel,
    GPTNeoXConfig,
    GPTNeoXForCausalLM,
    LlamaConfig,
    LlamaForCausalLM,
    MistralConfig,
    MistralForCausalLM,
    PreTrainedModel,
)

from data_gen.errors import ConfigError
from physics_lm.config.model import ModelConfig, check_model
from physics_lm.models.checkpoints import padded


def build(config: ModelConfig, vocabulary: int, end_id: int, seed: int) -> PreTrainedModel:
    """Build a model initialised from `seed`, or load the checkpoint folder of `config.path`.

    vocabulary: number of token ids; the embedding is padded to a multiple of 64. end_id: the end token's id.
    Raises ConfigError as `check_model` does and where a checkpoint's vocabulary is too small.
    """
    check_model(config)
    rows = padded(vocabulary)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = _KINDS[config.kind](config, {"vocab_size": rows, "bos_token_id": end_id, "eos_token_id": end_id})
    if model.get_input_embeddings().num_embeddings < vocabulary:
        raise ConfigError(f"model.path={config.path}: its vocabulary is smaller than the tokenizer's {vocabulary}")
    return model


def _gpt2(config: ModelConfig, common: dict[str, Any]) -> PreTrainedModel:
    return GPT2LMHeadModel(
        GPT2Config(
            n_layer=config.layers, n_embd=config.width, n_head=config.heads, n_positions=config.positions,
            resid_pdrop=config.dropout, embd_pdrop=config.dropout, attn_pdrop=config.dropout, **common,
        )
    )  # fmt: skip


def _gpt2_rotary(config: ModelConfig, common: dict[str, Any]) -> PreTrainedModel:
    """Pre-LN GPT-2 with rotary embeddings on a quarter of each head: GPT-NeoX, residuals in sequence."""
    return GPTNeoXForCausalLM(
        GPTNeoXConfig(
            num_hidden_layers=config.layers, hidden_size=config.width, num_attention_heads=config.heads,
            intermediate_size=4 * config.width, max_position_embeddings=config.positions,
            rope_parameters={"rope_type": "default", "rope_theta": 10_000.0, "partial_rotary_factor": 0.25},
            use_parallel_residual=False, tie_word_embeddings=True, hidden_act="gelu",
            hidden_dropout=config.dropout, attention_dropout=config.dropout, **common,
        )
    )  # fmt: skip


def _llama_shape(config: ModelConfig) -> dict[str, Any]:
    return {
        "num_hidden_layers": config.layers,
        "hidden_size": config.width,
        "num_attention_heads": config.heads,
        "num_key_value_heads": config.heads,
        "intermediate_size": -(-8 * config.width // 3 // 8) * 8,
        "max_position_embeddings": config.positions,
        "attention_dropout": config.dropout,
        "tie_word_embeddings": True,
    }


def _llama(config: ModelConfig, common: dict[str, Any]) -> PreTrainedModel:
    return LlamaForCausalLM(LlamaConfig(**_llama_shape(config), **common))


def _mistral(config: ModelConfig, common: dict[str, Any]) -> PreTrainedModel:
    shape = {**_llama_shape(config), "num_key_value_heads": max(1, config.heads // config.sharing)}
    return MistralForCausalLM(MistralConfig(**shape, sliding_window=None, **common))


def _checkpoint(config: ModelConfig, common: dict[str, Any]) -> PreTrainedModel:
    del common
    try:
        return AutoModelForCausalLM.from_pretrained(config.path, local_files_only=True, dtype=torch.float32)
    except (OSError, ValueError, SafetensorError) as error:
        raise ConfigError(f"model.path={config.path}: no checkpoint folder ({str(error).splitlines()[0]})") from None


_KINDS = {"gpt2": _gpt2, "gpt2_rotary": _gpt2_rotary, "llama": _llama, "mistral": _mistral, "checkpoint": _checkpoint}
