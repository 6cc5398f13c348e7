"""The weights, gradients and optimiser states of K models in common buffers, and one training step for all of them.

A lane is the number of a model, and its row of each buffer.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from math import sqrt
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.func import functional_call, vmap
from torch.nn.functional import cross_entropy

from physics_lm.data.batches import IGNORE, INPUTS, LABELS, Batch
from physics_lm.device import autocast, to_device
from physics_lm.kernels import compiling, head_loss
from physics_lm.training.loop import Training
from physics_lm.training.muon import MOMENTUM, orthogonalize
from physics_lm.training.schedules import rate

Params = dict[str, Tensor]  # by name


class _FlatParameters:
    """Some parameters of K models in one (K, S) buffer; each parameter and each gradient is a view into a buffer."""

    def __init__(self, lanes: Sequence[Sequence[Tensor]]) -> None:
        """Move the parameters of each lane into the buffer."""
        self.lanes, self.sizes = lanes, [param.numel() for param in lanes[0]]
        self.values, self.grads = (torch.zeros(len(lanes), sum(self.sizes), device=lanes[0][0].device) for _ in "vg")
        for params, values, grads in zip(lanes, self.values, self.grads, strict=True):
            for param, value, grad in zip(params, self.split(values), self.split(grads), strict=True):
                value.copy_(param.detach().flatten())
                param.data, param.grad = value.view_as(param), grad.view_as(param)
        self.leaves = {}  # by the id of lane 0's parameter: the parameter of all lanes (K, ...) for autograd
        for param, value, grad in zip(lanes[0], self.split(self.values), self.split(self.grads), strict=True):
            leaf = value.view(-1, *param.shape).detach().requires_grad_()
            leaf.grad = grad.view(-1, *param.shape)
            self.leaves[id(param)] = leaf

    def split(self, buffer: Tensor) -> tuple[Tensor, ...]:
        """Split the last dimension of a buffer by parameter."""
        return torch.split(buffer, self.sizes, dim=-1)

    def optimizer_state(self, optimizers: Sequence[Any], name: str) -> Tensor:
        """Move one tensor of the optimisers' state of every parameter into a (K, S) buffer, and return that."""
        buffer = torch.zeros_like(self.values)
        for params, optimizer, row in zip(self.lanes, optimizers, buffer, strict=True):
            for param, value in zip(params, self.split(row), strict=True):
                state = optimizer.state[param]
                if name in state:
                    value.copy_(state[name].flatten())
                state[name] = value.view_as(param)
        return buffer


class StackedParameters:
    """The weights, gradients and optimiser states of K trainings side by side."""

    def __init__(self, trainings: Sequence[Training]) -> None:
        """Move the models' weights and their optimisers' states into common buffers."""
        self.trainings, first = trainings, trainings[0]
        self.device, self.config, self.base = first.device, first.config, first.model
        adam = [training.optimizers[0] for training in trainings]
        self.adam = _FlatParameters([list(optimizer.param_groups[0]["params"]) for optimizer in adam])
        self.exp_avg, self.exp_avg_sq = (self.adam.optimizer_state(adam, name) for name in ("exp_avg", "exp_avg_sq"))
        self.steps = torch.tensor(float(first.step))
        for params, optimizer in zip(self.adam.lanes, adam, strict=True):
            for param in params:
                optimizer.state[param]["step"] = self.steps
        muon = [optimizer for training in trainings for optimizer in training.optimizers[1:]]
        by_shape: dict[torch.Size, list[tuple[Tensor, ...]]] = defaultdict(list)  # tuples of one matrix per lane
        for matrices in zip(*(optimizer.param_groups[0]["params"] for optimizer in muon), strict=True):
            by_shape[matrices[0].shape].append(matrices)
        self.muon: dict[torch.Size, tuple[_FlatParameters, Tensor]] = {}  # by shape: the matrices and their momentum
        for shape, parameters in by_shape.items():
            flat = _FlatParameters(list(zip(*parameters, strict=True)))
            self.muon[shape] = flat, flat.optimizer_state(muon, "momentum_buffer")
        self.buffers = [self.adam, *(flat for flat, _ in self.muon.values())]
        names = ("lr", "matrix_lr", "weight_decay", "clip")
        configs = [training.config for training in trainings]
        self.settings_Kx1 = {name: self._per_lane(getattr(config, name) for config in configs) for name in names}
        self._loss = self._losses_by_head
        if compiling.is_worthwhile(self.config, self.device):
            self._loss, compiled = compiling.compile_or_fall_back(self._fusible_losses, self._loss, self.device)
            for training in trainings:
                training.compiled = compiled

    def train_step(self, lanes: list[int]) -> None:
        """Take one step in some lanes; the weights of the other lanes become meaningless."""
        batches = {lane: self.trainings[lane].batches(self.trainings[lane].step) for lane in lanes}
        losses = self._backward(batches)
        with torch.no_grad():
            self._clip()
            factor_Kx1 = self._per_lane(rate(training.config, training.step) for training in self.trainings)
            self.steps += 1
            self._adam_step(factor_Kx1)
            for shape, (flat, momentum_KxS) in self.muon.items():
                self._muon_step(shape, flat, momentum_KxS, factor_Kx1)
            for flat in self.buffers:
                flat.grads.zero_()
        for lane in lanes:
            self.trainings[lane].record_step(losses[lane], batches[lane][INPUTS].shape)

    def _backward(self, batches: dict[int, Batch]) -> dict[int, Tensor]:
        """Add the gradients of one batch per lane to the buffers, in one pass; return the loss of each lane."""
        inputs_LxBxT, labels_LxBxT = (
            to_device(_pad_and_stack([batch[name] for batch in batches.values()], filler), self.device).long()
            for name, filler in ((INPUTS, 0), (LABELS, IGNORE))
        )
        leaves = {key: leaf for flat in self.buffers for key, leaf in flat.leaves.items()}
        if len(batches) < len(self.trainings):
            lanes_L = torch.tensor(list(batches), device=self.device)
            leaves = {key: leaf[lanes_L] for key, leaf in leaves.items()}
        params = {name: leaves[id(param)] for name, param in self.base.base_model.named_parameters()}
        head_LxVxD = leaves[id(self.base.get_output_embeddings().weight)]
        with autocast(self.trainings[0].precision, self.device):
            losses_L = self._loss(params, head_LxVxD, inputs_LxBxT, labels_LxBxT)
        losses_L.sum().backward()  # type: ignore[no-untyped-call]
        return dict(zip(batches, losses_L.detach(), strict=True))

    def _losses_by_head(self, params: Params, head_LxVxD: Tensor, inputs_LxBxT: Tensor, labels_LxBxT: Tensor) -> Tensor:
        """Return the loss of each lane (L,): the hidden states in one pass, then one head after the other."""
        hidden_LxBxTxD = vmap(self._hidden_states)(params, inputs_LxBxT)[:, :, :-1]
        losses = [
            head_loss.head_cross_entropy(hidden_BxTxD.flatten(0, 1), head_VxD, labels_BxT[:, 1:].flatten())
            for hidden_BxTxD, head_VxD, labels_BxT in zip(hidden_LxBxTxD, head_LxVxD, labels_LxBxT, strict=True)
        ]
        return torch.stack(losses)

    def _fusible_losses(self, params: Params, head_LxVxD: Tensor, inputs_LxBxT: Tensor, labels_LxBxT: Tensor) -> Tensor:
        """Return the same losses by plain operations, which a compiler fuses."""
        hidden_LxNxD = vmap(self._hidden_states)(params, inputs_LxBxT)[:, :, :-1].flatten(1, 2)
        targets_LxN = labels_LxBxT[:, :, 1:].flatten(1, 2)
        logits_LxNxV = (hidden_LxNxD @ head_LxVxD.mT).float()
        logits, targets = logits_LxNxV.flatten(0, 1), targets_LxN.flatten()
        losses_LxN = cross_entropy(logits, targets, ignore_index=IGNORE, reduction="none").view_as(targets_LxN)
        return losses_LxN.sum(1) / (targets_LxN != IGNORE).sum(1).clamp(min=1)

    def _hidden_states(self, params: Params, inputs_BxT: Tensor) -> Tensor:
        inputs = {"input_ids": inputs_BxT, "use_cache": False}
        hidden_BxTxD: Tensor = functional_call(self.base.base_model, params, kwargs=inputs)[0]
        return hidden_BxTxD

    def _clip(self) -> None:
        """Scale the gradient of each lane to at most the norm `clip`."""
        norm_Kx1 = sum(flat.grads.square().sum(1, keepdim=True) for flat in self.buffers) ** 0.5  # type: ignore[operator]
        for flat in self.buffers:
            flat.grads *= (self.settings_Kx1["clip"] / (norm_Kx1 + 1e-6)).clamp(max=1)

    def _per_lane(self, numbers: Iterable[float]) -> Tensor:
        """Return one number for each lane as a tensor (K, 1)."""
        return to_device(np.fromiter(numbers, np.float32)[:, None], self.device)

    def _adam_step(self, factor_Kx1: Tensor) -> None:
        """Take a step of AdamW in every lane (torch.optim.AdamW, with a learning rate per lane)."""
        beta1, beta2, step = self.config.beta1, self.config.beta2, float(self.steps)
        lr_Kx1 = self.settings_Kx1["lr"] * factor_Kx1
        self.adam.values *= 1 - lr_Kx1 * self.settings_Kx1["weight_decay"]
        self.exp_avg.lerp_(self.adam.grads, 1 - beta1)
        self.exp_avg_sq.mul_(beta2).addcmul_(self.adam.grads, self.adam.grads, value=1 - beta2)
        root = self.exp_avg_sq.sqrt().div_(sqrt(1 - beta2**step)).add_(self.config.eps)
        self.adam.values -= self.exp_avg / root * (lr_Kx1 / (1 - beta1**step))

    def _muon_step(self, shape: torch.Size, flat: _FlatParameters, momentum_KxS: Tensor, factor_Kx1: Tensor) -> None:
        """Take a step of `training.muon.Muon` for all matrices of one shape in every lane."""
        lr_Kx1 = self.settings_Kx1["matrix_lr"] * factor_Kx1
        momentum_KxS.lerp_(flat.grads, 1 - MOMENTUM)
        gradients = flat.grads.lerp(momentum_KxS, MOMENTUM).view(-1, *shape)
        updates = orthogonalize(gradients.to(self.trainings[0].optimizers[1].precision))  # type: ignore[attr-defined]
        flat.values *= 1 - lr_Kx1 * self.settings_Kx1["weight_decay"]
        flat.values -= updates.reshape_as(flat.values) * (lr_Kx1 * sqrt(max(1, shape[0] / shape[1])))

    def release(self) -> None:
        """Give every model weights of its own again."""
        for training in self.trainings:
            for param in training.model.parameters():
                param.data, param.grad = param.data.clone(), None


def _pad_and_stack(arrays: Sequence[NDArray[np.int32]], filler: int) -> NDArray[np.int32]:
    """Stack (B, T) arrays, padded on the right to the longest T."""
    longest = max(array.shape[1] for array in arrays)
    if all(array.shape[1] == longest for array in arrays):
        return np.stack(arrays)
    return np.stack([np.pad(a, ((0, 0), (0, longest - a.shape[1])), constant_values=filler) for a in arrays])
