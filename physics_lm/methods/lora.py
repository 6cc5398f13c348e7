"""LoRA by peft on the query and value matrices and on the token embedding (Part 3.1, section 3, Figure 11).

The update of a matrix is SCALE times the product of two factors, one of which starts at zero. The embedding's update
affects the input embedding only: a tied output head is untied first and keeps its weights.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from data_gen.errors import ConfigError
from data_gen.settings import kind, setting
from physics_lm.config.run import RunConfig
from physics_lm.config.training import FinetuneConfig

if TYPE_CHECKING:
    import torch
    from transformers import PreTrainedModel

    from physics_lm.checkpoints import Trained

VERSION = 1
SCALE = 4  # of the update, at every rank (Part 3.2, appendix)
FUSED = ("query_key_value", "c_attn")  # one matrix for queries, keys and values
SEPARATE = ("q_proj", "v_proj")


@dataclass(frozen=True)
class Config(FinetuneConfig):
    """rank: of the update of the query and value matrices. embedding_rank: of the embedding's update; 0 keeps it fixed.

    Both as in Part 3.1, appendix.
    """

    method: str = kind("lora")
    rank: int = setting(8, least=1)
    embedding_rank: int = setting(128, least=0)


def check(section: str, config: Config, run: RunConfig) -> None:
    """Raise ConfigError naming the key where a rank exceeds the model's width, or its factors cannot be trained."""
    if config.optimizer != "adamw":
        raise ConfigError(f"{section}.optimizer={config.optimizer}: lora's factors are trained by adamw")
    width = getattr(run.model, "width", None)
    for key in ("rank", "embedding_rank"):
        if width is not None and getattr(config, key) > width:
            raise ConfigError(f"{section}.{key}={getattr(config, key)}: at most model.width={width}")


def attach(model: "PreTrainedModel", config: Config, seed: int) -> Any:
    """Return the model wrapped by peft: only the factors, initialised from `seed`, are trained.

    In a matrix that holds queries, keys and values the updates of queries and values have their own rows and factors,
    and the keys' update stays zero. Raises ConfigError where the model has no such matrices or a rank exceeds its
    width.
    """
    rank, embedding_rank = config.rank, config.embedding_rank
    width = model.get_input_embeddings().weight.shape[1]
    if max(rank, embedding_rank) > width:
        raise ConfigError(f"{config.method}: rank and embedding_rank must be at most the model's width, {width}")
    import torch
    from peft import LoraConfig, get_peft_model  # slow to import, and for this method only

    targets = _targets(model)
    fused = targets[0] in FUSED
    ranks = dict.fromkeys(targets, 2 * rank if fused else rank)
    if embedding_rank:
        embedding = model.get_input_embeddings()
        ranks[next(name for name, module in model.named_modules() if module is embedding)] = embedding_rank
    _untie_head(model)
    alphas, transposed = {name: SCALE * size for name, size in ranks.items()}, targets[0] == "c_attn"
    config = LoraConfig(target_modules=list(ranks), rank_pattern=ranks, alpha_pattern=alphas, fan_in_fan_out=transposed)
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        adapted = get_peft_model(model, config)
    if fused:
        _separate_updates(adapted, targets[0], rank, model.config.num_attention_heads)
    return adapted


def finish(model: Any) -> "Trained":
    """Return the model with its adapters added to its weights."""
    from physics_lm.checkpoints import Trained

    return Trained(model.merge_and_unload())


def _targets(model: "PreTrainedModel") -> list[str]:
    """Return the names of the model's query and value matrices."""
    leaves = {name.rpartition(".")[2] for name, _ in model.named_modules()}
    for names in (SEPARATE, *((name,) for name in FUSED)):
        if leaves.issuperset(names):
            return list(names)
    raise ConfigError(f"finetune.method=lora: no query and value matrices are known in {type(model).__name__}")


def _untie_head(model: "PreTrainedModel") -> None:
    from torch import nn

    head = model.get_output_embeddings()
    if head is not None and head.weight is model.get_input_embeddings().weight:
        head.weight = nn.Parameter(head.weight.detach().clone())
    model.config.tie_word_embeddings = False


def _separate_updates(adapted: Any, name: str, rank: int, heads: int) -> None:
    """Zero the gradients of fused matrices outside of (query rows, first factors) and (value rows, last factors)."""
    for path, module in adapted.named_modules():
        if path.rpartition(".")[2] == name:
            weight_OxR = module.lora_B["default"].weight
            mask_OxR = _update_mask(weight_OxR, rank, heads if name == "query_key_value" else 1)
            weight_OxR.register_hook(mask_OxR.mul)


def _update_mask(weight_OxR: "torch.Tensor", rank: int, groups: int) -> "torch.Tensor":
    """Return (O, 2 rank) ones and zeros; the O rows are `groups` times queries, keys, values."""
    import torch

    mask_GxKxHxR = torch.zeros_like(weight_OxR, requires_grad=False).view(groups, 3, -1, 2 * rank)
    mask_GxKxHxR[:, 0, :, :rank] = 1
    mask_GxKxHxR[:, 2, :, rank:] = 1
    return mask_GxKxHxR.view_as(weight_OxR)
