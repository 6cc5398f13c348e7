"""What a model computes with weights that are given, so that no machine's random numbers enter."""

import torch


@torch.no_grad()
def likeliest(model, tokens=(5, 9, 2, 40, 7, 7, 1, 30)):
    """Return the shapes of a model's weights, and its three likeliest ids after each token with weights of sines."""
    for number, weight in enumerate(model.parameters()):
        values = torch.sin(torch.arange(weight.numel(), dtype=torch.float64) * (1.7 + number) + number)
        weight.copy_((0.3 * values + (weight.dim() == 1)).view_as(weight))
    logits = model.eval()(input_ids=torch.tensor([tokens])).logits[0]
    return [[[name, list(weight.shape)] for name, weight in model.named_parameters()], logits.topk(3).indices.tolist()]
