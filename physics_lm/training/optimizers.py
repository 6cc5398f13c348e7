"""The optimisers of a training: AdamW alone, or Muon and AdamW."""

from torch import bfloat16, float32
from torch.optim import AdamW, Optimizer
from transformers import PreTrainedModel

from physics_lm import device
from physics_lm.config.training import TrainConfig
from physics_lm.training.muon import Muon


def build_optimizers(model: PreTrainedModel, config: TrainConfig) -> list[Optimizer]:
    """Return AdamW over all trained weights; or AdamW, and Muon for the hidden matrices."""
    embeddings = {id(m.weight) for m in (model.get_input_embeddings(), model.get_output_embeddings()) if m}
    positions = {id(p) for name, p in model.named_parameters() if name.endswith("wpe.weight")}
    trained = [p for p in model.parameters() if p.requires_grad]
    matrices = [p for p in trained if p.ndim == 2 and id(p) not in embeddings | positions]
    if config.optimizer != "muon":
        matrices = []
    in_muon = {id(p) for p in matrices}
    rest, betas = [p for p in trained if id(p) not in in_muon], (config.beta1, config.beta2)
    adam: Optimizer = AdamW(rest, config.lr, betas, config.eps, config.weight_decay, fused=True)
    if not matrices:
        return [adam]
    precision = bfloat16 if device.has_fast_bf16(matrices[0].device) else float32
    return [adam, Muon(matrices, config.matrix_lr, config.weight_decay, precision)]
