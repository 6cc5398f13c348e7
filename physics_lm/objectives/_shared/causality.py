"""Whether a model is causal (attends to earlier tokens only) or bidirectional (2406.05183).

transformers' decoder classes (GPT2, GPTNeoX, Llama, Mistral) build a full mask in `create_causal_mask` where
`config.is_causal` is False, and pass the setting on to the attention function, eager or sdpa. It is saved in
config.json, so that a checkpoint opens with full attention in plain transformers.
"""

from transformers import PreTrainedModel


def is_bidirectional(model: PreTrainedModel) -> bool:
    """Whether the model attends to later tokens too."""
    return not getattr(model.config, "is_causal", True)


def set_attention(model: PreTrainedModel, bidirectional: bool) -> PreTrainedModel:
    """Give the model full attention, or a causal one."""
    if is_bidirectional(model) != bidirectional:
        model.config.is_causal = not bidirectional
    return model
