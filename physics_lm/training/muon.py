"""Muon with one batched iteration for all matrices of a shape, in a precision that the device is fast in.

torch.optim.Muon processes one matrix after the other, and iterates in bf16 on every device. A CPU without bf16
instructions emulates them, which made a step on a laptop ten times slower than its forward and backward pass together.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable
from math import sqrt

import torch
from torch import Tensor

COEFFICIENTS, STEPS, EPS = (3.4445, -4.775, 2.0315), 5, 1e-7  # of the iteration, as in torch.optim.Muon
MOMENTUM = 0.95  # Nesterov momentum


class Muon(torch.optim.Muon):
    """torch.optim.Muon over (A, B) matrices, batched by shape; `precision` is the dtype of the iteration."""

    def __init__(self, params: Iterable[Tensor], lr: float, weight_decay: float, precision: torch.dtype) -> None:
        """Take the parameters and settings of torch.optim.Muon."""
        super().__init__(params, lr=lr, weight_decay=weight_decay, momentum=MOMENTUM)
        self.precision = precision

    @torch.no_grad()
    def step(self, closure: Callable[[], float] | None = None) -> float | None:  # type: ignore[override]
        """Take one step; return what the closure returns."""
        loss = None if closure is None else torch.enable_grad()(closure)()
        for group in self.param_groups:
            by_shape: dict[torch.Size, list[Tensor]] = defaultdict(list)
            for param in group["params"]:
                if param.grad is not None:
                    by_shape[param.shape].append(param)
            for params in by_shape.values():
                self._step(params, group["lr"], group["weight_decay"])
        return loss

    def _step(self, params: list[Tensor], lr: float, weight_decay: float) -> None:
        """Update all matrices of one shape."""
        gradients = []
        for param in params:
            assert param.grad is not None
            if "momentum_buffer" not in self.state[param]:
                self.state[param]["momentum_buffer"] = torch.zeros_like(param.grad)
            momentum = self.state[param]["momentum_buffer"]
            momentum.lerp_(param.grad, 1 - MOMENTUM)
            gradients.append(param.grad.lerp(momentum, MOMENTUM))
        updates = orthogonalize(torch.stack(gradients).to(self.precision))
        rows, columns = params[0].shape
        for param, update in zip(params, updates, strict=True):
            param.mul_(1 - lr * weight_decay)
            param.add_(update, alpha=-lr * sqrt(max(1, rows / columns)))


def orthogonalize(matrices_KxAxB: Tensor) -> Tensor:
    """Return K matrices whose singular values five quintic Newton-Schulz iterations have moved towards 1."""
    a, b, c = COEFFICIENTS
    tall = matrices_KxAxB.size(1) > matrices_KxAxB.size(2)
    wide = matrices_KxAxB.mT if tall else matrices_KxAxB
    wide = wide / wide.norm(dim=(1, 2), keepdim=True).clamp(min=EPS)
    for _ in range(STEPS):
        gram = wide @ wide.mT
        wide = torch.baddbmm(wide, torch.baddbmm(gram, gram, gram, beta=b, alpha=c), wide, beta=a)
    return wide.mT if tall else wide
