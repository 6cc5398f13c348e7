"""LoRA by peft on the query and value matrices and on the token embedding (Part 3.1, section 3, Figure 11).

The update of a matrix is SCALE times the product of two factors, one of which starts at zero. The embedding's
update acts on what is read, not on the head: a tied head is untied first and keeps its weights.
"""

from typing import Any

import torch
from torch import nn
from transformers import PreTrainedModel

from data_gen.errors import ConfigError

SCALE = 4  # a plain multiplier, whatever the rank (Part 3.2, appendix)
JOINT = ("query_key_value", "c_attn")  # one matrix for queries, keys and values
APART = ("q_proj", "v_proj")


def adapt(model: PreTrainedModel, rank: int, embedding_rank: int, seed: int) -> Any:
    """Return the model wrapped by peft: all weights frozen but the factors, drawn from `seed`.

    rank: of each of the queries' and the values' updates. embedding_rank: of the embedding's; 0 leaves it as it
    is. In one matrix for queries, keys and values the two updates keep to their own rows and factors, and the
    keys' is held at zero. Raises ConfigError where the model has no such matrices or a rank exceeds its width.
    """
    width = model.get_input_embeddings().weight.shape[1]
    if max(rank, embedding_rank) > width:
        raise ConfigError(f"finetune.rank and finetune.embedding_rank: at most the model's width, {width}")
    from peft import LoraConfig, get_peft_model  # slow to import, and for this method only

    targets = _targets(model)
    joint = targets[0] in JOINT
    ranks = dict.fromkeys(targets, 2 * rank if joint else rank)
    if embedding_rank:
        ranks[_name(model, model.get_input_embeddings())] = embedding_rank
    _untie(model)
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        adapted = get_peft_model(
            model,
            LoraConfig(
                target_modules=list(ranks),
                rank_pattern=ranks,
                alpha_pattern={name: SCALE * size for name, size in ranks.items()},
                fan_in_fan_out=targets[0] == "c_attn",
            ),
        )
    if joint:
        _keep_apart(adapted, targets[0], rank, model.config.num_attention_heads)
    return adapted


def merged(model: Any) -> PreTrainedModel:
    """Return the model with its adapters added to its weights; one without adapters as it is."""
    whole: PreTrainedModel = model.merge_and_unload() if hasattr(model, "merge_and_unload") else model
    return whole


def _targets(model: PreTrainedModel) -> list[str]:
    leaves = {name.rpartition(".")[2] for name, _ in model.named_modules()}
    for names in (APART, *((name,) for name in JOINT)):
        if leaves.issuperset(names):
            return list(names)
    raise ConfigError(f"finetune.method=lora: no query and value matrices are known in {type(model).__name__}")


def _name(model: PreTrainedModel, wanted: nn.Module) -> str:
    name: str = next(name for name, module in model.named_modules() if module is wanted)
    return name


def _untie(model: PreTrainedModel) -> None:
    head = model.get_output_embeddings()
    if head is not None and head.weight is model.get_input_embeddings().weight:
        head.weight = nn.Parameter(head.weight.detach().clone())
    model.config.tie_word_embeddings = False


def _keep_apart(adapted: Any, name: str, rank: int, heads: int) -> None:
    """Stop the gradient of all but (query rows, first factors) and (value rows, last factors)."""
    for path, module in adapted.named_modules():
        if path.rpartition(".")[2] == name:
            weight_OxR = module.lora_B["default"].weight
            weight_OxR.register_hook(_masked(_mask(weight_OxR, rank, heads if name == "query_key_value" else 1)))


def _mask(weight_OxR: torch.Tensor, rank: int, groups: int) -> torch.Tensor:
    """Return (O, 2 rank) ones and zeros; the O rows are `groups` times queries, keys, values."""
    mask_GxKxHxR = torch.zeros_like(weight_OxR, requires_grad=False).view(groups, 3, -1, 2 * rank)
    mask_GxKxHxR[:, 0, :, :rank] = 1
    mask_GxKxHxR[:, 2, :, rank:] = 1
    return mask_GxKxHxR.view_as(weight_OxR)


def _masked(mask_OxR: torch.Tensor) -> Any:
    return lambda gradient_OxR: gradient_OxR * mask_OxR
