"""The one training loop, for pretraining and fine-tuning.

A batch is a function of the step, so the state of a run is: weights, optimisers, step, generator state
and the curve so far. Killed at any step and started again on the same CPU, a run ends in the same bits.
"""

import math
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch.utils._pytree import tree_map_only
from transformers import PreTrainedModel

from physics_lm.config.training import TrainConfig
from physics_lm.device import autocast, device, precision, to_device
from physics_lm.kernels import attention, compiling, cpu
from physics_lm.objectives import next_token
from physics_lm.objectives.masked import Loss
from physics_lm.progress import Bar
from physics_lm.training import distributed, resume
from physics_lm.training.optimizers import optimizers
from physics_lm.training.schedules import rate
from physics_lm.training.throughput import Throughput

Batches = Callable[[int], tuple[NDArray[np.int32], NDArray[np.int32]]]
Listener = Callable[[list[dict[str, float]]], None]
FLUSH = 20  # steps between looks at the losses, so that a step never waits for the device


class DivergedError(RuntimeError):
    """The loss is no longer finite."""


class Training:
    """A run of the loop over `batches`, resumable from `state` (a folder)."""

    def __init__(
        self,
        model: PreTrainedModel,
        batches: Batches,
        config: TrainConfig,
        state: Path,
        loss: Loss | None = None,
        watch: Callable[[int], None] | None = None,
    ) -> None:
        """Prepare a run, going on from the state in the folder where there is one.

        loss: of a model, inputs, labels and the step; next tokens' (`quick.loss_of`) where there is none.
        watch: called after every step with the number of steps done, before a state is saved.
        """
        self.where = device()
        self.model = model.to(self.where)  # type: ignore[arg-type]
        self.batches, self.config, self.loss, self.watch = batches, config, loss or next_token.loss, watch
        self.compiled = "no"
        if self.where.type == "cpu":  # its fused attention is slower than plain products at short contexts
            self.model.set_attn_implementation("eager")
        if loss is None and compiling.wanted(config, self.where):
            self.compile()
        if self.where.type == "cpu":
            cpu.keep_pages()
            if self.compiled != "yes":
                cpu.prepare(self.model)
        self.kind = precision(config.precision, self.where)
        self.optimizers = optimizers(model, config)
        self.peaks = [group["lr"] for opt in self.optimizers for group in opt.param_groups]
        self.path = state / resume.STATE
        self.step = self.resumed_at = 0
        self.curve: list[dict[str, float]] = []
        self._losses: list[torch.Tensor] = []
        self.pace, self.stacked = Throughput(model, self.where), 1  # stacked: how many are trained together
        self.told: Listener = lambda points: None  # hears the points of the curve as they come
        self._load()
        self.shared = distributed.wrapped(self.model)
        if distributed.rank():  # dropout's; the first process draws as if it were alone
            torch.manual_seed(torch.initial_seed() + distributed.rank() + self.step)
        self.generators = resume.generators()  # other jobs may draw before this one begins

    def compile(self) -> None:
        """Compile the loss, where there is a compiler."""
        self.loss, self.compiled = next_token.compiled_loss(self.model, self.where)

    def run(self, title: str) -> list[dict[str, float]]:
        """Train to the last step; return the curve: step, loss and learning rate of every step.

        Raises DivergedError naming the step where the loss is not finite.
        """
        self.begin()
        with self.attending(), Bar(title, self.config.steps, "step", self.step) as bar:
            while self.step < self.config.steps:
                self.advance()
                self.ticked()
                if not self._losses:
                    bar.set_postfix(self.pace.shown, loss=f"{self.curve[-1]['loss']:.3f}")
                bar.update()
        return self.curve

    def attending(self) -> AbstractContextManager[None]:
        """Return the context in which steps are taken: the model attends by what is fastest in training."""
        return attention.fusing(self.model, self.where, self.kind)

    def begin(self) -> None:
        """Be ready for the next step."""
        self.model.train()
        resume.draw_from(self.generators)
        self.told(self.curve)
        self.pace = Throughput(self.model, self.where)

    def ticked(self) -> None:
        """Look at the losses, ask and save where it is time for it; raises DivergedError."""
        if self.step % FLUSH == 0 or self.step == self.config.steps:
            self.told(self.flush())
        if self.watch:
            self.watch(self.step)
        if self.step % self.config.save_every == 0 and self.step < self.config.steps:
            self.told(self.flush())
            self._save()

    def counted(self, loss: torch.Tensor, shape: tuple[int, ...]) -> None:
        """Count a step that is done, its loss and the shape of its batch."""
        self._losses.append(loss)
        self.step += 1
        self.pace.add(shape)

    def advance(self) -> None:
        """Take one step."""
        whole_BxT, labels_BxT = self.batches(self.step)
        inputs_BxT, learned_BxT = (
            to_device(distributed.share(part), self.where).long() for part in (whole_BxT, labels_BxT)
        )
        factor = rate(self.config, self.step)
        groups = [group for opt in self.optimizers for group in opt.param_groups]
        for group, peak in zip(groups, self.peaks, strict=True):
            group["lr"] = peak * factor
        with autocast(self.kind, self.where):
            loss = self.loss(self.shared, inputs_BxT, learned_BxT, self.step)
        if distributed.size() > 1:  # the mean over all tokens of the batch, however they are spread
            loss = loss * (
                distributed.size() * count_learned(distributed.share(labels_BxT)) / count_learned(labels_BxT)
            )
        loss.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(self.model.parameters(), self.config.clip)
        for optimizer in self.optimizers:
            optimizer.step()
            optimizer.zero_grad(set_to_none=True)
        self.counted(loss.detach(), whole_BxT.shape)

    def flush(self) -> list[dict[str, float]]:
        """Read the losses of the steps since the last time; return their points of the curve."""
        first = self.step - len(self._losses)
        for number, value in enumerate(self._read()):
            step = first + number
            if not math.isfinite(value):
                raise DivergedError(
                    f"the loss is {value} at step {step}; the last good checkpoint is {self._last_good()}; "
                    "lower the learning rate"
                )
            self.curve.append({"step": step, "loss": value, "lr": self.config.lr * rate(self.config, step)})
        self._losses = []
        return self.curve[first:]

    def _read(self) -> list[float]:
        return distributed.mean(torch.stack(self._losses)).tolist() if self._losses else []

    def _last_good(self) -> str:
        return str(self.path) if self.path.exists() else "none: none was written yet"

    def _save(self) -> None:
        if distributed.rank():
            return
        state = {
            "model": self.model.state_dict(),
            "optimizers": [optimizer.state_dict() for optimizer in self.optimizers],
            "step": self.step,
            "curve": self.curve,
        }
        resume.save(self.path, tree_map_only(torch.Tensor, torch.clone, state))  # not the buffer it is a view of

    def _load(self) -> None:
        state = resume.load(self.path, self.where)
        if state is None:
            return
        self.model.load_state_dict(state["model"])
        for optimizer, saved in zip(self.optimizers, state["optimizers"], strict=True):
            optimizer.load_state_dict(saved)
        self.step = self.resumed_at = state["step"]
        self.curve = state["curve"]


def count_learned(labels_BxT: NDArray[np.int32]) -> int:
    """Return how many tokens of a batch are learned."""
    return int((labels_BxT[:, 1:] != -100).sum())
