"""The norms and linear layers of many probes, computed together by a few batched operations."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

MOMENTUM = 0.1  # of a batch norm's running statistics


class Heads(nn.Module):
    """H linear probes on G views. A head is one linear probe of the stack, not an attention head.

    It normalises its view's hidden states, scales and shifts them, and maps them to C logits.

    norm: `layer` over the width, or `batch` over the rows; its statistics depend on the view only, so heads on the
    same view share them. All layers have as many classes as the largest; the classes that a head lacks are never
    predicted and never learn.
    """

    def __init__(
        self, sizes: Sequence[int], views: Sequence[int], width: int, norm: str, rngs: Sequence[torch.Generator]
    ) -> None:
        """Draw the initial layers. sizes: classes of each head. views: the view of each head. rngs: one per head."""
        super().__init__()
        if norm not in ("layer", "batch"):
            raise ValueError(f"norm={norm}: a layer norm (layer) or a batch norm (batch)")
        self.norm, classes = norm, max(sizes)
        weight_HxCxD = torch.zeros(len(sizes), classes, width)
        for layer_CxD, size, rng in zip(weight_HxCxD, sizes, rngs, strict=True):
            nn.init.uniform_(layer_CxD[:size], -(width**-0.5), width**-0.5, generator=rng)
        self.weight = nn.Parameter(weight_HxCxD)
        self.bias = nn.Parameter(torch.zeros(len(sizes), classes))
        self.scale = nn.Parameter(torch.ones(len(sizes), width))
        self.shift = nn.Parameter(torch.zeros(len(sizes), width))
        self.mean: Tensor
        self.variance: Tensor
        self.missing: Tensor
        self.view: Tensor
        self.register_buffer("mean", torch.zeros(max(views) + 1, width))
        self.register_buffer("variance", torch.ones(max(views) + 1, width))
        self.register_buffer("missing", torch.arange(classes) >= torch.tensor(sizes)[:, None], persistent=False)
        self.register_buffer("view", torch.tensor(views), persistent=False)

    def forward(self, hidden_GxBxD: Tensor, first: int, heads_H: Tensor) -> Tensor:
        """Return the logits (H', B, C) of some heads, minus infinity for the classes that a head lacks.

        hidden: the hidden states of the views from number `first` on; each of the heads has one of these views.
        """
        normed_GxBxD = self._normalise(hidden_GxBxD, first)
        normed_HxBxD = normed_GxBxD.index_select(0, self.view[heads_H] - first)
        scale, shift, weight, bias = (
            x if len(heads_H) == len(x) else x.index_select(0, heads_H)
            for x in (self.scale, self.shift, self.weight, self.bias)
        )
        scaled_HxBxD = torch.addcmul(shift[:, None], normed_HxBxD, scale[:, None])
        logits_HxBxC = torch.baddbmm(bias[:, None], scaled_HxBxD, weight.mT)
        return logits_HxBxC.masked_fill(self.missing[heads_H][:, None], -torch.inf)

    def _normalise(self, hidden_GxBxD: Tensor, first: int) -> Tensor:
        if self.norm == "layer":
            return nn.functional.layer_norm(hidden_GxBxD, hidden_GxBxD.shape[-1:])
        views, rows, width = hidden_GxBxD.shape
        mean_GD, variance_GD = (buffer[first : first + views].view(-1) for buffer in (self.mean, self.variance))
        flat_BxGD = hidden_GxBxD.transpose(0, 1).reshape(rows, views * width)
        normed_BxGD = nn.functional.batch_norm(  # the running statistics are updated in place
            flat_BxGD, mean_GD, variance_GD, training=self.training, momentum=MOMENTUM
        )
        return normed_BxGD.view(rows, views, width).transpose(0, 1)
