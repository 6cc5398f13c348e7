"""TODO physics_lm.models.direction."""

from transformers import PreTrainedModel


def both_ways(model: PreTrainedModel) -> bool:
    """Whether the model attends to later tokens too."""
    return not getattr(model.config, "is_causal", True)


def attend(model: PreTrainedModel, objective: str) -> PreTrainedModel:
    """Give the model the attention of an objective: to earlier tokens (causal), or to all."""
    if both_ways(model) != (objective != "causal"):
        model.config.is_causal = objective == "causal"
    return model
