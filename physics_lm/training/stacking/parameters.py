"""The weights, gradients and optimisers' states of K trainings side by side, and one step for all of them."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from functools import cached_property
from math import sqrt
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.func import functional_call, vmap
from torch.nn.functional import cross_entropy

from physics_lm.data.batches import IGNORE
from physics_lm.device import autocast, to_device
from physics_lm.kernels import compiling, head_loss
from physics_lm.training.loop import Training
from physics_lm.training.muon import MOMENTUM, orthogonal
from physics_lm.training.schedules import rate


class _Part:
    """Some parameters of K models in one (K, S) buffer, of which every parameter and gradient is a view."""

    def __init__(self, lanes: Sequence[list[Tensor]]) -> None:
        """Move the parameters of each lane into the buffer."""
        self.sizes = [param.numel() for param in lanes[0]]
        self.values, self.grads = (torch.zeros(len(lanes), sum(self.sizes), device=lanes[0][0].device) for _ in "vg")
        for params, value, grad in zip(lanes, self.values, self.grads, strict=True):
            for param, mine, its in zip(params, self.cut(value), self.cut(grad), strict=True):
                mine.copy_(param.detach().flatten())
                param.data, param.grad = mine.view_as(param), its.view_as(param)

    def cut(self, buffer: Tensor) -> tuple[Tensor, ...]:
        """Cut the last dimension of a buffer by parameter."""
        return torch.split(buffer, self.sizes, dim=-1)

    def state(self, lanes: Sequence[list[Tensor]], optimizers: Sequence[Any], name: str) -> Tensor:
        """Return a (K, S) buffer of an optimiser's state, of which the optimisers' own tensors become views."""
        buffer = torch.zeros_like(self.values)
        for params, optimizer, row in zip(lanes, optimizers, buffer, strict=True):
            for param, mine in zip(params, self.cut(row), strict=True):
                held = optimizer.state[param]
                if name in held:
                    mine.copy_(held[name].flatten())
                held[name] = mine.view_as(param)
        return buffer


class StackedParameters:
    """The weights, gradients and optimisers' states of K loops side by side."""

    def __init__(self, loops: Sequence[Training]) -> None:
        """Move the models' weights and their optimisers' states into common buffers."""
        self.loops, self.where, self.config, self.base = loops, loops[0].where, loops[0].config, loops[0].model
        grouped = [[list(opt.param_groups[0]["params"]) for opt in loop.optimizers] for loop in loops]
        adam = [loop.optimizers[0] for loop in loops]
        self.adam = _Part([lane[0] for lane in grouped])
        self.average = self.adam.state([lane[0] for lane in grouped], adam, "exp_avg")
        self.square = self.adam.state([lane[0] for lane in grouped], adam, "exp_avg_sq")
        self.muon: dict[torch.Size, tuple[_Part, Tensor]] = {}
        by_shape: dict[torch.Size, list[int]] = defaultdict(list)
        for number, param in enumerate(grouped[0][1] if len(grouped[0]) > 1 else []):
            by_shape[param.shape].append(number)
        for size, numbers in by_shape.items():
            lanes = [[lane[1][number] for number in numbers] for lane in grouped]
            part = _Part(lanes)
            self.muon[size] = part, part.state(lanes, [loop.optimizers[1] for loop in loops], "momentum_buffer")
        self.steps = torch.tensor(float(loops[0].step))
        for lane, optimizer in zip(grouped, adam, strict=True):
            for param in lane[0]:
                optimizer.state[param]["step"] = self.steps
        names = ("lr", "matrix_lr", "weight_decay", "clip")
        self.setting = {name: self._column(getattr(loop.config, name) for loop in loops) for name in names}
        self._loss = self._apart
        if compiling.pays(self.config, self.where):
            self._loss, why = compiling.compiled(self._whole, self._apart, self.where)
            for loop in loops:
                loop.compiled = why

    @property
    def parts(self) -> list[_Part]:
        """All buffers of weights."""
        return [self.adam, *(part for part, _ in self.muon.values())]

    def advance(self, lanes: list[int]) -> None:
        """Take one step in some lanes; the others' weights are not looked at any more."""
        read = {lane: self.loops[lane].batches(self.loops[lane].step) for lane in lanes}
        losses = self._losses(read)
        with torch.no_grad():
            self._clip()
            factors = self._column(rate(loop.config, loop.step) for loop in self.loops)
            self.steps += 1
            self._adam(factors)
            for size, (part, momentum) in self.muon.items():
                self._muon(size, part, momentum, factors)
            for part in self.parts:
                part.grads.zero_()
        for lane in lanes:
            self.loops[lane].counted(losses[lane], read[lane][0].shape)

    def _losses(self, read: dict[int, Any]) -> dict[int, Tensor]:
        """Return the losses, and leave the gradients in the buffers: one pass for all lanes."""
        inputs_LxBxT, labels_LxBxT = (
            to_device(_common([part[side] for part in read.values()], filler), self.where).long()
            for side, filler in ((0, 0), (1, IGNORE))
        )
        stacked = self._leaves
        if len(read) < len(self.loops):
            lanes = torch.tensor(list(read), device=self.where)
            stacked = {key: leaf[lanes] for key, leaf in stacked.items()}
        inner = {name: stacked[id(param)] for name, param in self.base.base_model.named_parameters()}
        head_LxVxD = stacked[id(self.base.get_output_embeddings().weight)]
        with autocast(self.loops[0].kind, self.where):
            losses_L = self._loss(inner, head_LxVxD, inputs_LxBxT, labels_LxBxT)
        losses_L.sum().backward()  # type: ignore[no-untyped-call]
        return dict(zip(read, losses_L.detach(), strict=True))

    def _apart(self, inner: dict[str, Tensor], head_LxVxD: Tensor, ids_LxBxT: Tensor, told_LxBxT: Tensor) -> Tensor:
        """Return each lane's loss (L,): the hidden states in one pass, the heads one after the other."""
        hidden_LxBxTxD = vmap(self._hidden)(inner, ids_LxBxT)[:, :, :-1]
        losses = [
            head_loss.head_loss(hidden.flatten(0, 1), head, told[:, 1:].flatten())
            for hidden, head, told in zip(hidden_LxBxTxD, head_LxVxD, told_LxBxT, strict=True)
        ]
        return torch.stack(losses)

    def _whole(self, inner: dict[str, Tensor], head_LxVxD: Tensor, ids_LxBxT: Tensor, told_LxBxT: Tensor) -> Tensor:
        """Return the same by plain operations, for a compiler that joins them."""
        hidden_LxNxD = vmap(self._hidden)(inner, ids_LxBxT)[:, :, :-1].flatten(1, 2)
        told_LxN = told_LxBxT[:, :, 1:].flatten(1, 2)
        logits_LxNxV = (hidden_LxNxD @ head_LxVxD.mT).float()
        each_LN = cross_entropy(logits_LxNxV.flatten(0, 1), told_LxN.flatten(), ignore_index=IGNORE, reduction="none")
        return each_LN.view_as(told_LxN).sum(1) / (told_LxN != IGNORE).sum(1).clamp(min=1)

    def _hidden(self, params: dict[str, Tensor], ids_BxT: Tensor) -> Tensor:
        found = functional_call(self.base.base_model, params, kwargs={"input_ids": ids_BxT, "use_cache": False})
        hidden_BxTxD: Tensor = found.last_hidden_state
        return hidden_BxTxD

    @cached_property
    def _leaves(self) -> dict[int, Tensor]:
        """Every parameter as a leaf (K, ...), by the id of the first model's, its gradient in the buffer."""
        named = [list(opt.param_groups[0]["params"]) for opt in self.loops[0].optimizers]
        shapes = [[p for p in named[-1] if p.shape == size] for size in self.muon]
        made = {}
        for part, params in zip(self.parts, [named[0], *shapes], strict=True):
            for param, value, grad in zip(params, part.cut(part.values), part.cut(part.grads), strict=True):
                leaf = value.view(-1, *param.shape).detach().requires_grad_()
                leaf.grad = grad.view(-1, *param.shape)
                made[id(param)] = leaf
        return made

    def _clip(self) -> None:
        """Scale each lane's gradient to at most its norm."""
        norm_Kx1 = sum(part.grads.square().sum(1, keepdim=True) for part in self.parts) ** 0.5  # type: ignore[operator]
        for part in self.parts:
            part.grads *= (self.setting["clip"] / (norm_Kx1 + 1e-6)).clamp(max=1)

    def _column(self, numbers: Iterable[float]) -> Tensor:
        """Return a number for each lane, (K, 1)."""
        return to_device(np.fromiter(numbers, np.float32)[:, None], self.where)

    def _adam(self, factors_Kx1: Tensor) -> None:
        """Take a step of AdamW in every lane (torch.optim.AdamW, rates by lane)."""
        beta1, beta2, step = self.config.beta1, self.config.beta2, float(self.steps)
        lr_Kx1 = self.setting["lr"] * factors_Kx1
        self.adam.values *= 1 - lr_Kx1 * self.setting["weight_decay"]
        self.average.lerp_(self.adam.grads, 1 - beta1)
        self.square.mul_(beta2).addcmul_(self.adam.grads, self.adam.grads, value=1 - beta2)
        root = self.square.sqrt().div_(sqrt(1 - beta2**step)).add_(self.config.eps)
        self.adam.values -= self.average / root * (lr_Kx1 / (1 - beta1**step))

    def _muon(self, size: torch.Size, part: _Part, momentum: Tensor, factors_Kx1: Tensor) -> None:
        """Take a step of Muon for all matrices of one shape in every lane (physics_lm.muon)."""
        lr_Kx1 = self.setting["matrix_lr"] * factors_Kx1
        momentum.lerp_(part.grads, 1 - MOMENTUM)
        update = part.grads.lerp(momentum, MOMENTUM).view(-1, *size)
        turned = orthogonal(update.to(self.loops[0].optimizers[1].precision))  # type: ignore[attr-defined]
        part.values *= 1 - lr_Kx1 * self.setting["weight_decay"]
        part.values -= turned.reshape_as(part.values) * (lr_Kx1 * sqrt(max(1, size[0] / size[1])))

    def release(self) -> None:
        """Give every model weights of its own again."""
        for loop in self.loops:
            for param in loop.model.parameters():
                param.data, param.grad = param.data.clone(), None


def _common(arrays: Sequence[np.ndarray[Any, Any]], filler: int) -> np.ndarray[Any, Any]:
    """Stack (B, T) arrays, filled up on the right to the longest T."""
    longest = max(array.shape[1] for array in arrays)
    if all(array.shape[1] == longest for array in arrays):
        return np.stack(arrays)
    return np.stack([np.pad(a, ((0, 0), (0, longest - a.shape[1])), constant_values=filler) for a in arrays])
