"""Trainings of one shape as a stack: K models side by side in one buffer, one step for all of them.

Each keeps its data, seed and learning rates, and ends as it would have ended alone. On a GPU one pass of
torch.func.vmap goes through all of them; on a CPU, where that is slower (docs/benchmarks.md), a thread each.
"""

from collections import defaultdict
from collections.abc import Callable, Hashable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cache, cached_property
from math import sqrt
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.func import functional_call, stack_module_state, vmap
from torch.nn.functional import pad
from transformers import PreTrainedModel

from physics_lm import distributed, quick, together
from physics_lm.muon import MOMENTUM, orthogonal
from physics_lm.packing import IGNORE
from physics_lm.progress import Bar
from physics_lm.training import DivergedError, Training, autocast, loss_of, rate

Looked = tuple[np.ndarray[Any, Any], np.ndarray[Any, Any], np.ndarray[Any, Any]]
DROPS = ("attention_dropout", "hidden_dropout", "resid_pdrop", "embd_pdrop", "attn_pdrop")
RANKS = {"pretrain": 0, "finetune": 1, "score": 2}


def run(loop: Training, title: str, step: str) -> list[dict[str, float]]:
    """Train a loop and return its curve; among jobs that meet, with all that are of its shape. step: in RANKS."""
    if not together.among():
        return loop.run(title)
    curve: list[dict[str, float]] = together.meet(_train, shape(loop), RANKS[step], (loop, title))
    return curve


def shape(loop: Training) -> Hashable:
    """Return what loops must have in common to be a stack, or something that no other has."""
    model, config = loop.model, loop.config
    if loop.loss is not loss_of or distributed.size() > 1 or not quick.whole(model) or _drops(model):
        return id(loop)
    sizes = tuple((name, tuple(param.shape)) for name, param in model.named_parameters())
    settled = (config.steps, config.batch, config.optimizer, config.beta1, config.beta2, config.eps, config.save_every)
    return model.config.to_json_string(), sizes, settled, loop.step, loop.kind


def _drops(model: PreTrainedModel) -> bool:
    """Whether dropout would draw from the one generator of the process."""
    return any(getattr(model.config, name, 0) for name in DROPS)


def _train(requests: list[tuple[Training, str]]) -> list[Any]:
    """Train loops of one shape; return each one's curve, or its DivergedError."""
    loops, title = [loop for loop, _ in requests], requests[0][1]
    if len(loops) == 1:
        return [_caught(loops[0], title)]
    for loop in loops:
        loop.stacked = len(loops)
    return Stack(loops).run(f"{title} and {len(loops) - 1} more")


def _caught(loop: Training, title: str) -> Any:
    try:
        return loop.run(title)
    except Exception as error:
        return error


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


class Stack:
    """K loops of one shape (see `shape`), trained together."""

    def __init__(self, loops: Sequence[Training]) -> None:
        """Move the models' weights and their optimisers' states into common buffers."""
        self.loops, self.lanes = list(loops), list(range(len(loops)))
        self.where, self.config, self.base = loops[0].where, loops[0].config, loops[0].model
        self.done: list[Any] = [None] * len(loops)
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
        self.vmapped = not _threaded(self.where)

    def run(self, title: str) -> list[Any]:
        """Train to the last step; return each loop's curve, or the DivergedError of one whose loss is not finite."""
        for loop in self.loops:
            loop.begin()
        with Bar(title, self.config.steps, "step", self.loops[0].step) as bar:
            while self.lanes and self.loops[self.lanes[0]].step < self.config.steps:
                self.advance()
                for lane in list(self.lanes):
                    self._ticked(lane)
                bar.update()
        for lane in self.lanes:
            self.done[lane] = self.loops[lane].curve
        self._release()
        return self.done

    def _ticked(self, lane: int) -> None:
        try:
            self.loops[lane].ticked()
        except DivergedError as error:  # the others go on; what it holds in the buffers is no longer looked at
            self.done[lane] = error
            self.lanes.remove(lane)

    @property
    def parts(self) -> list[_Part]:
        """All buffers of weights."""
        return [self.adam, *(part for part, _ in self.muon.values())]

    def advance(self) -> None:
        """Take one step in every lane."""
        read = {lane: self.loops[lane].batches(self.loops[lane].step) for lane in self.lanes}
        losses = (self._vmapped if self.vmapped else self._threaded)(read)
        with torch.no_grad():
            self._clip()
            factors = torch.tensor([rate(loop.config, loop.step) for loop in self.loops], device=self.where)[:, None]
            self.steps += 1
            self._adam(factors)
            for size, (part, momentum) in self.muon.items():
                self._muon(size, part, momentum, factors)
            for part in self.parts:
                part.grads.zero_()
        for lane in self.lanes:
            self.loops[lane].counted(losses[lane], read[lane][0].shape)

    def _threaded(self, read: dict[int, Any]) -> dict[int, Tensor]:
        """Return the losses, and leave the gradients in the buffers: lane by lane, as many at a time as cores."""

        def one(lane: int) -> Tensor:
            inputs, labels = (torch.from_numpy(part).long() for part in read[lane])
            with autocast(self.loops[lane].kind, self.where):
                loss = loss_of(self.loops[lane].model, inputs, labels)
            loss.backward()  # type: ignore[no-untyped-call]
            return loss.detach()

        return dict(zip(self.lanes, threads().map(one, self.lanes), strict=True))

    def _vmapped(self, read: dict[int, Any]) -> dict[int, Tensor]:
        """Return the losses, and leave the gradients in the buffers: one pass for all lanes."""
        lanes = torch.tensor(self.lanes, device=self.where)
        inputs_LxBxT, labels_LxBxT = (
            torch.from_numpy(_common([part[side] for part in read.values()], filler)).long().to(self.where)
            for side, filler in ((0, 0), (1, IGNORE))
        )
        every = len(self.lanes) == len(self.loops)
        stacked = self._leaves if every else {key: leaf[lanes] for key, leaf in self._leaves.items()}
        inner = {name: stacked[id(param)] for name, param in self.base.base_model.named_parameters()}
        head_LxVxD = stacked[id(self.base.get_output_embeddings().weight)]
        with autocast(self.loops[0].kind, self.where):
            hidden_LxBxTxD = vmap(self._hidden)(inner, inputs_LxBxT)[:, :, :-1]
            losses = [
                quick.head_loss(hidden.flatten(0, 1), head, told[:, 1:].flatten())
                for hidden, head, told in zip(hidden_LxBxTxD, head_LxVxD, labels_LxBxT, strict=True)
            ]
        torch.stack(losses).sum().backward()  # type: ignore[no-untyped-call]
        return {lane: loss.detach() for lane, loss in zip(read, losses, strict=True)}

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
        most = torch.tensor([[loop.config.clip] for loop in self.loops], device=self.where)
        norm_Kx1 = sum(part.grads.square().sum(1, keepdim=True) for part in self.parts) ** 0.5  # type: ignore[operator]
        for part in self.parts:
            part.grads *= (most / (norm_Kx1 + 1e-6)).clamp(max=1)

    def _column(self, setting: Callable[[Any], float]) -> Tensor:
        return torch.tensor([[setting(loop.config)] for loop in self.loops], device=self.where)

    def _adam(self, factors_Kx1: Tensor) -> None:
        """Take a step of AdamW in every lane (torch.optim.AdamW, rates by lane)."""
        beta1, beta2, step = self.config.beta1, self.config.beta2, float(self.steps)
        lr_Kx1 = self._column(lambda config: config.lr) * factors_Kx1
        self.adam.values *= 1 - lr_Kx1 * self._column(lambda config: config.weight_decay)
        self.average.lerp_(self.adam.grads, 1 - beta1)
        self.square.mul_(beta2).addcmul_(self.adam.grads, self.adam.grads, value=1 - beta2)
        root = self.square.sqrt().div_(sqrt(1 - beta2**step)).add_(self.config.eps)
        self.adam.values -= self.average / root * (lr_Kx1 / (1 - beta1**step))

    def _muon(self, size: torch.Size, part: _Part, momentum: Tensor, factors_Kx1: Tensor) -> None:
        """Take a step of Muon for all matrices of one shape in every lane (physics_lm.muon)."""
        lr_Kx1 = self._column(lambda config: config.matrix_lr) * factors_Kx1
        momentum.lerp_(part.grads, 1 - MOMENTUM)
        update = part.grads.lerp(momentum, MOMENTUM).view(-1, *size)
        turned = orthogonal(update.to(self.loops[0].optimizers[1].precision))  # type: ignore[attr-defined]
        part.values *= 1 - lr_Kx1 * self._column(lambda config: config.weight_decay)
        part.values -= turned.reshape_as(part.values) * (lr_Kx1 * sqrt(max(1, size[0] / size[1])))

    def _release(self) -> None:
        """Give every model weights of its own again."""
        for loop in self.loops:
            for param in loop.model.parameters():
                param.data, param.grad = param.data.clone(), None


def _common(arrays: Sequence[np.ndarray[Any, Any]], filler: int) -> np.ndarray[Any, Any]:
    """Stack (B, T) arrays, filled up on the right to the longest T."""
    longest = max(array.shape[1] for array in arrays)
    return np.stack([np.pad(a, ((0, 0), (0, longest - a.shape[1])), constant_values=filler) for a in arrays])


def look(model: PreTrainedModel, ids_BxT: Tensor) -> Looked:
    """Return what a model expects of every token but the first; among jobs that meet, with their models of a shape."""
    sizes = tuple((name, tuple(param.shape)) for name, param in model.named_parameters())
    found: Looked = together.meet(_look, (model.config.to_json_string(), sizes), RANKS["score"], (model, ids_BxT))
    return found


@torch.no_grad()
def _look(requests: list[tuple[PreTrainedModel, Tensor]]) -> list[Looked]:
    if len(requests) == 1:
        return [_looked(*requests[0])]
    if _threaded(requests[0][1].device):
        return list(threads().map(torch.no_grad()(_looked), *zip(*requests, strict=True)))
    models, ids = zip(*requests, strict=True)
    rows, longest = (max(part.shape[side] for part in ids) for side in (0, 1))
    ids_KxBxT = torch.stack([pad(part, (0, longest - part.shape[1], 0, rows - part.shape[0])) for part in ids])
    params, buffers = stack_module_state(list(models))

    def one(state: dict[str, Tensor], held: dict[str, Tensor], ids_BxT: Tensor) -> Tensor:
        logits: Tensor = functional_call(models[0], (state, held), (ids_BxT[:, :-1],), {"use_cache": False}).logits
        return logits

    logits_KxBxTxV = vmap(one)(params, buffers, ids_KxBxT)
    return [
        looked(logits[: part.shape[0], : part.shape[1] - 1], part[:, 1:])
        for logits, part in zip(logits_KxBxTxV, ids, strict=True)
    ]


def _looked(model: PreTrainedModel, ids_BxT: Tensor) -> Looked:
    return looked(model(input_ids=ids_BxT[:, :-1], use_cache=False).logits, ids_BxT[:, 1:])


def looked(logits_BxTxV: Tensor, told_BxT: Tensor) -> Looked:
    """Return the likeliest token, the told one's log-probability and the likeliest one's probability, (B, T) each."""
    logits_BxTxV = logits_BxTxV.float()
    total_BxT = logits_BxTxV.logsumexp(-1)
    told = logits_BxTxV.gather(-1, told_BxT[..., None])[..., 0] - total_BxT
    most = (logits_BxTxV.amax(-1) - total_BxT).exp()
    return logits_BxTxV.argmax(-1).cpu().numpy(), told.double().cpu().numpy(), most.cpu().numpy()


def _threaded(where: torch.device) -> bool:
    """Whether models are gone through in a thread each: on a CPU vmap is slower."""
    return where.type == "cpu"


@cache
def threads() -> ThreadPoolExecutor:
    """Return a pool with a thread for each that torch would use, each of which computes alone."""
    return ThreadPoolExecutor(torch.get_num_threads(), initializer=lambda: torch.set_num_threads(1))
