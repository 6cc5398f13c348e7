"""Trainings of one shape as a stack: K models side by side in one buffer, one step for all of them.

Each keeps its data, seed and learning rates, and ends as it would have ended alone. On a GPU one pass of
torch.func.vmap goes through all of them; on a CPU, where that is slower (docs/lab-log.md), a thread each.
"""

from collections.abc import Hashable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from functools import cache
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.func import functional_call, stack_module_state, vmap
from torch.nn.functional import pad
from transformers import PreTrainedModel

from physics_lm import compiling, distributed, quick, together
from physics_lm.buffers import Buffers
from physics_lm.progress import Bar
from physics_lm.training import DivergedError, Training

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
    if loop.loss is not quick.loss_of or distributed.size() > 1 or not quick.whole(model) or _drops(model):
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
        if loops[0].loss is quick.loss_of and compiling.pays(loops[0].config, loops[0].where):
            loops[0].compile()
        return [_caught(loops[0], title)]
    for loop in loops:
        loop.stacked = len(loops)
    return Stack(loops).run(f"{title} and {len(loops) - 1} more")


def _caught(loop: Training, title: str) -> Any:
    try:
        return loop.run(title)
    except Exception as error:
        return error


class Stack:
    """K loops of one shape (see `shape`), trained together: in one pass of vmap, or each by a thread."""

    def __init__(self, loops: Sequence[Training], vmapped: bool | None = None) -> None:
        """Prepare the loops; where nothing is said, vmap is used as the device has it."""
        self.loops, self.lanes = list(loops), list(range(len(loops)))
        self.done: list[Any] = [None] * len(loops)
        vmapped = not _threaded(loops[0].where) if vmapped is None else vmapped
        self.buffers = Buffers(self.loops) if vmapped else None

    def run(self, title: str) -> list[Any]:
        """Train to the last step; return each loop's curve, or the DivergedError of one whose loss is not finite."""
        for loop in self.loops:
            loop.begin()
        steps = self.loops[0].config.steps
        with self.attending(), Bar(title, steps, "step", self.loops[0].step) as bar:
            while self.lanes and self.loops[self.lanes[0]].step < steps:
                self.advance()
                for lane in list(self.lanes):
                    self._ticked(lane)
                bar.update()
        for lane in self.lanes:
            self.done[lane] = self.loops[lane].curve
        if self.buffers:
            self.buffers.release()
        return self.done

    @contextmanager
    def attending(self) -> Iterator[None]:
        """Give the context in which steps are taken, as `Training.attending` does."""
        with ExitStack() as contexts:
            for loop in self.loops:
                contexts.enter_context(loop.attending())
            yield

    def _ticked(self, lane: int) -> None:
        try:
            self.loops[lane].ticked()
        except DivergedError as error:  # the others go on; what it holds in the buffers is no longer looked at
            self.done[lane] = error
            self.lanes.remove(lane)

    def advance(self) -> None:
        """Take one step in every lane."""
        if self.buffers:
            self.buffers.advance(self.lanes)
        else:
            list(threads().map(lambda lane: self.loops[lane].advance(), self.lanes))


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
