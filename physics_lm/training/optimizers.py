"""TODO physics_lm.training.optimizers."""

import torch
from torch.optim import AdamW, Optimizer
from transformers import PreTrainedModel

from physics_lm import device
from physics_lm.config.training import TrainConfig
from physics_lm.training import muon


def optimizers(model: PreTrainedModel, config: TrainConfig) -> list[Optimizer]:
    """Return AdamW over all weights, or Muon for the hidden matrices and AdamW for the rest."""
    embeddings = {id(m.weight) for m in (model.get_input_embeddings(), model.get_output_embeddings()) if m}
    positions = {id(p) for name, p in model.named_parameters() if name.endswith("wpe.weight")}
    learned = [p for p in model.parameters() if p.requires_grad]
    hidden = [p for p in learned if p.ndim == 2 and id(p) not in embeddings | positions]
    if config.optimizer != "muon":
        hidden = []
    chosen = {id(p) for p in hidden}
    adam: Optimizer = AdamW(
        [p for p in learned if id(p) not in chosen],
        lr=config.lr,
        betas=(config.beta1, config.beta2),
        eps=config.eps,
        weight_decay=config.weight_decay,
        fused=True,
    )
    if not hidden:
        return [adam]
    iterate = torch.bfloat16 if device.fast_bf16(hidden[0].device) else torch.float32
    return [adam, muon.Muon(hidden, config.matrix_lr, config.weight_decay, iterate)]
