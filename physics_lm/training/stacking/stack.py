"""Trainings of one shape as a stack: K models side by side in one buffer, one step for all of them.

Each keeps its data, seed and learning rates, and ends as it would have ended alone. On a GPU one pass of
torch.func.vmap goes through all of them; on a CPU, where that is slower (docs/lab-log.md), a thread each.
"""

from collections.abc import Hashable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any

from transformers import PreTrainedModel

from physics_lm import concurrency
from physics_lm.concurrency import RANKS
from physics_lm.device import threaded, threads
from physics_lm.kernels import compiling, head_loss
from physics_lm.objectives import next_token
from physics_lm.progress import Bar
from physics_lm.training import distributed
from physics_lm.training.loop import DivergedError, Training
from physics_lm.training.stacking.parameters import StackedParameters

DROPS = ("attention_dropout", "hidden_dropout", "resid_pdrop", "embd_pdrop", "attn_pdrop")


def run(loop: Training, title: str, step: str) -> list[dict[str, float]]:
    """Train a loop and return its curve; among jobs that meet, with all that are of its shape. step: in RANKS."""
    if not concurrency.among():
        return loop.run(title)
    curve: list[dict[str, float]] = concurrency.meet(_train, shape(loop), RANKS[step], (loop, title))
    return curve


def shape(loop: Training) -> Hashable:
    """Return what loops must have in common to be a stack, or something that no other has."""
    model, config = loop.model, loop.config
    if loop.loss is not next_token.loss or distributed.size() > 1 or not head_loss.whole(model) or _drops(model):
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
        if loops[0].loss is next_token.loss and compiling.pays(loops[0].config, loops[0].where):
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
        vmapped = not threaded(loops[0].where) if vmapped is None else vmapped
        self.buffers = StackedParameters(self.loops) if vmapped else None

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
