"""Muon over all matrices of a shape at once, in the precision that the device is fast in.

torch.optim.Muon takes one matrix after the other, and iterates in bf16 whatever the device; a CPU without bf16
instructions emulates them, which made a laptop step ten times slower than its forward and backward pass together.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable
from math import sqrt

import torch
from torch import Tensor

COEFFICIENTS, STEPS, EPS = (3.4445, -4.775, 2.0315), 5, 1e-7  # torch.optim.Muon's, as
MOMENTUM = 0.95  # of Nesterov's kind


class Muon(torch.optim.Muon):
    """torch.optim.Muon over (A, B) matrices, all of one shape at once; `precision` is the iteration's."""

    def __init__(self, params: Iterable[Tensor], lr: float, weight_decay: float, precision: torch.dtype) -> None:
        """Take the parameters and settings of torch.optim.Muon."""
        super().__init__(params, lr=lr, weight_decay=weight_decay, momentum=MOMENTUM)
        self.precision = precision

    @torch.no_grad()
    def step(self, closure: Callable[[], float] | None = None) -> float | None:  # type: ignore[override]
        """Take one step; returns what the closure returns."""
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        for group in self.param_groups:
            shapes: dict[torch.Size, list[Tensor]] = defaultdict(list)
            for param in group["params"]:
                if param.grad is not None:
                    shapes[param.shape].append(param)
            for params in shapes.values():
                self._step(params, group)
        return loss

    def _step(self, params: list[Tensor], group: dict[str, object]) -> None:
        lr, decay = (float(group[key]) for key in ("lr", "weight_decay"))  # type: ignore[arg-type]
        updates = []
        for param in params:
            assert param.grad is not None
            if "momentum_buffer" not in self.state[param]:
                self.state[param]["momentum_buffer"] = torch.zeros_like(param.grad)
            held = self.state[param]["momentum_buffer"]
            held.lerp_(param.grad, 1 - MOMENTUM)
            updates.append(param.grad.lerp(held, MOMENTUM))
        turned = orthogonal(torch.stack(updates).to(self.precision))
        rows, columns = params[0].shape
        for param, update in zip(params, turned, strict=True):
            param.mul_(1 - lr * decay)
            param.add_(update, alpha=-lr * sqrt(max(1, rows / columns)))


def orthogonal(matrices_KxAxB: Tensor) -> Tensor:
    """Return K matrices with singular values pushed towards 1 by quintic Newton-Schulz iterations."""
    a, b, c = COEFFICIENTS
    tall = matrices_KxAxB.size(1) > matrices_KxAxB.size(2)
    found = matrices_KxAxB.mT if tall else matrices_KxAxB
    found = found / found.norm(dim=(1, 2), keepdim=True).clamp(min=EPS)
    for _ in range(STEPS):
        gram = found @ found.mT
        found = torch.baddbmm(found, torch.baddbmm(gram, gram, gram, beta=b, alpha=c), found, beta=a)
    return found.mT if tall else found
