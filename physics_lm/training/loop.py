"""The training loop of pretraining and fine-tuning.

A batch is a function of the step number, so the state of a training is: weights, optimisers, step, random generators
and the learning curve so far. A training that is killed at any step and restarted on the same CPU ends bit for bit as
without the kill.
"""

import math
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch.utils._pytree import tree_map_only
from transformers import PreTrainedModel

from physics_lm.config.training import TrainConfig
from physics_lm.data.batches import IGNORE, INPUTS, LABELS, Batch
from physics_lm.device import autocast, default_device, resolve_precision, to_device
from physics_lm.kernels import attention, compiling, cpu_speedups
from physics_lm.objectives import Loss
from physics_lm.objectives._shared import next_token
from physics_lm.progress import Bar
from physics_lm.training import distributed, resume
from physics_lm.training.optimizers import build_optimizers
from physics_lm.training.schedules import rate
from physics_lm.training.throughput import Throughput

Batches = Callable[[int], Batch]  # of a step
CurveListener = Callable[[list[dict[str, float]]], None]
READ_EVERY = 20  # steps between reads of the losses; reading a loss waits for the GPU


class DivergedError(RuntimeError):
    """The loss is no longer finite."""


class Training:
    """A training over `batches`, resumable from a folder; its curve holds step, loss and learning rate of each step."""

    def __init__(
        self,
        model: PreTrainedModel,
        batches: Batches,
        config: TrainConfig,
        state: Path,
        loss: Loss | None = None,
        callback: Callable[[int], None] | None = None,
    ) -> None:
        """Prepare a training, resumed from the state in the folder `state` where there is one.

        loss: a function of model, batch and step; None for `next_token.loss`. callback: called after every
        step with the number of steps done, before a state is saved.
        """
        self.device = default_device()
        self.model = model.to(self.device)  # type: ignore[arg-type]
        self.batches, self.config, self.loss, self.callback = batches, config, loss or next_token.loss, callback
        self.compiled = "no"
        if self.device.type == "cpu":  # fused attention is slower there than plain products at short contexts
            self.model.set_attn_implementation("eager")
        if self.loss is next_token.loss and compiling.is_enabled(config, self.device):
            self.compile()
        if self.device.type == "cpu":
            cpu_speedups.keep_pages()
            if self.compiled != "yes":
                cpu_speedups.prepare(self.model)
        self.precision = resolve_precision(config.precision, self.device)
        self.optimizers = build_optimizers(model, config)
        self.peak_rates = [group["lr"] for optimizer in self.optimizers for group in optimizer.param_groups]
        self.path = state / resume.STATE
        self.step = self.resumed_at = 0
        self.curve: list[dict[str, float]] = []
        self._unread_losses: list[torch.Tensor] = []
        self.throughput = Throughput(model, self.device)
        self.stack_size = 1  # the number of models that are trained together
        self.listener: CurveListener = lambda points: None  # receives new points of the curve
        self._load()
        self.parallel_model = distributed.data_parallel(self.model)
        if distributed.rank():  # other ranks seed dropout differently; rank 0 draws as a single process does
            torch.manual_seed(torch.initial_seed() + distributed.rank() + self.step)
        self.rng_state = resume.rng_state()  # another job may draw before this training starts

    def compile(self) -> None:
        """Compile the loss, where there is a working compiler."""
        self.loss, self.compiled = next_token.compile_loss(self.model, self.device)

    def run(self, title: str) -> list[dict[str, float]]:
        """Train to the last step; return the curve.

        Raises DivergedError, with the number of the step, where the loss is not finite.
        """
        self.start()
        with self.fast_attention(), Bar(title, self.config.steps, "step", self.step) as bar:
            while self.step < self.config.steps:
                self.train_step()
                self.after_step()
                if not self._unread_losses:
                    bar.set_postfix(self.throughput.bar_fields, loss=f"{self.curve[-1]['loss']:.3f}")
                bar.update()
        return self.curve

    def fast_attention(self) -> AbstractContextManager[None]:
        """Return the context in which steps are taken: the model uses the fastest attention for training."""
        return attention.training_attention(self.model, self.device, self.precision)

    def start(self) -> None:
        """Prepare for the next step: training mode, random generators and the clock."""
        self.model.train()
        resume.set_rng_state(self.rng_state)
        self.listener(self.curve)
        self.throughput = Throughput(self.model, self.device)

    def after_step(self) -> None:
        """Read the losses, call the callback and save the state when each is due; raises DivergedError."""
        if self.step % READ_EVERY == 0 or self.step == self.config.steps:
            self.listener(self.read_losses())
        if self.callback:
            self.callback(self.step)
        if self.step % self.config.save_every == 0 and self.step < self.config.steps:
            self.listener(self.read_losses())
            self._save()

    def record_step(self, loss: torch.Tensor, shape: tuple[int, ...]) -> None:
        """Count a step that has been taken; shape: of its batch."""
        self._unread_losses.append(loss)
        self.step += 1
        self.throughput.add(shape)

    def train_step(self) -> None:
        """Take one step."""
        batch = self.batches(self.step)
        tensors = {name: to_tensor(distributed.local_rows(array), self.device) for name, array in batch.items()}
        factor = rate(self.config, self.step)
        groups = [group for optimizer in self.optimizers for group in optimizer.param_groups]
        for group, peak in zip(groups, self.peak_rates, strict=True):
            group["lr"] = peak * factor
        with autocast(self.precision, self.device):
            loss = self.loss(self.parallel_model, tensors, self.step)
        if distributed.size() > 1:  # weighted, so that the mean over processes is the mean over the batch's targets
            local_count = count_targets(distributed.local_rows(batch[LABELS]))
            loss = loss * (distributed.size() * local_count / count_targets(batch[LABELS]))
        loss.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(self.model.parameters(), self.config.clip)
        for optimizer in self.optimizers:
            optimizer.step()
            optimizer.zero_grad(set_to_none=True)
        self.record_step(loss.detach(), batch[INPUTS].shape)

    def read_losses(self) -> list[dict[str, float]]:
        """Read the losses of the steps since the last call; return their points of the curve."""
        unread, first = self._unread_losses, self.step - len(self._unread_losses)
        losses = distributed.mean_over_processes(torch.stack(unread)).tolist() if unread else []
        for step, loss in enumerate(losses, first):
            if not math.isfinite(loss):
                checkpoint = self.path if self.path.exists() else "none: none was written yet"
                raise DivergedError(
                    f"the loss is {loss} at step {step}; the last good checkpoint is {checkpoint}; "
                    "lower the learning rate"
                )
            self.curve.append({"step": step, "loss": loss, "lr": self.config.lr * rate(self.config, step)})
        self._unread_losses = []
        return self.curve[first:]

    def _save(self) -> None:
        if distributed.rank():
            return
        optimizers = [optimizer.state_dict() for optimizer in self.optimizers]
        state = {"model": self.model.state_dict(), "optimizers": optimizers, "step": self.step, "curve": self.curve}
        # cloned: saving a view would save the whole buffer that it belongs to
        resume.save(self.path, tree_map_only(torch.Tensor, torch.clone, state))

    def _load(self) -> None:
        state = resume.load(self.path, self.device)
        if state is None:
            return
        self.model.load_state_dict(state["model"])
        for optimizer, saved in zip(self.optimizers, state["optimizers"], strict=True):
            optimizer.load_state_dict(saved)
        self.step = self.resumed_at = state["step"]
        self.curve = state["curve"]


def to_tensor(array: NDArray[Any], device: torch.device) -> torch.Tensor:
    """Return an array of a batch on the device: whole numbers as ids, all else as it is."""
    tensor = to_device(array, device)
    return tensor if tensor.is_floating_point() else tensor.long()


def count_targets(labels_BxT: NDArray[np.int32]) -> int:
    """Return how many tokens of a batch are targets of the next-token loss."""
    return int((labels_BxT[:, 1:] != IGNORE).sum())
