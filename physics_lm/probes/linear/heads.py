"""The norms and linear layers of many probes, side by side: a few batched operations for all of them."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

MOMENTUM = 0.1  # of a batch norm's running statistics


class Heads(nn.Module):
    """H probes over G things that are looked at: what each sees is normed, scaled and shifted, and given to C classes.

    norm: `layer` over the width, `batch` over the rows; its statistics depend on what is looked at alone, so that the
    probes that look at the same thing share them. Layers have as many classes as the largest; those that a probe does
    not have are never chosen and never learn.
    """

    def __init__(
        self, sizes: Sequence[int], sees: Sequence[int], width: int, norm: str, draw: Sequence[torch.Generator]
    ) -> None:
        """Draw the initial layers. sizes: classes of each probe. sees: which of the G things it looks at."""
        super().__init__()
        if norm not in ("layer", "batch"):
            raise ValueError(f"norm={norm}: a layer norm (layer) or a batch norm (batch)")
        self.norm, most = norm, max(sizes)
        weight_HxCxD = torch.zeros(len(sizes), most, width)
        for layer_CxD, size, generator in zip(weight_HxCxD, sizes, draw, strict=True):
            nn.init.uniform_(layer_CxD[:size], -(width**-0.5), width**-0.5, generator=generator)
        self.weight = nn.Parameter(weight_HxCxD)
        self.bias = nn.Parameter(torch.zeros(len(sizes), most))
        self.scale = nn.Parameter(torch.ones(len(sizes), width))
        self.shift = nn.Parameter(torch.zeros(len(sizes), width))
        self.mean: Tensor
        self.variance: Tensor
        self.absent: Tensor
        self.sees: Tensor
        self.register_buffer("mean", torch.zeros(max(sees) + 1, width))
        self.register_buffer("variance", torch.ones(max(sees) + 1, width))
        self.register_buffer("absent", torch.arange(most) >= torch.tensor(sizes)[:, None], persistent=False)
        self.register_buffer("sees", torch.tensor(sees), persistent=False)

    def forward(self, seen_GxBxD: Tensor, first: int, chosen_H: Tensor) -> Tensor:
        """Return the chosen probes' logits (H', B, C), minus infinity for the classes that a probe does not have.

        seen: what is looked at from the `first` of the G things on; every chosen probe looks at one of them.
        """
        normed_GxBxD = self._normed(seen_GxBxD, first)
        normed_HxBxD = normed_GxBxD.index_select(0, self.sees[chosen_H] - first)
        scale, shift, weight, bias = (self._of(x, chosen_H) for x in (self.scale, self.shift, self.weight, self.bias))
        scaled_HxBxD = torch.addcmul(shift[:, None], normed_HxBxD, scale[:, None])
        logits_HxBxC = torch.baddbmm(bias[:, None], scaled_HxBxD, weight.mT)
        return logits_HxBxC.masked_fill(self.absent[chosen_H][:, None], -torch.inf)

    def _of(self, learned: Tensor, chosen_H: Tensor) -> Tensor:
        return learned if len(chosen_H) == len(learned) else learned.index_select(0, chosen_H)

    def _normed(self, seen_GxBxD: Tensor, first: int) -> Tensor:
        if self.norm == "layer":
            return nn.functional.layer_norm(seen_GxBxD, seen_GxBxD.shape[-1:])
        many, rows, width = seen_GxBxD.shape
        mean_GD, variance_GD = (kept[first : first + many].view(-1) for kept in (self.mean, self.variance))
        flat_BxGD = seen_GxBxD.transpose(0, 1).reshape(rows, many * width)
        normed_BxGD = nn.functional.batch_norm(  # the running statistics are updated in place
            flat_BxGD, mean_GD, variance_GD, training=self.training, momentum=MOMENTUM
        )
        return normed_BxGD.view(rows, many, width).transpose(0, 1)
