"""The one training loop, for pretraining and fine-tuning.

A batch is a function of the step, so the state of a run is: weights, optimisers, step, generator state
and the curve so far. Killed at any step and started again on the same CPU, a run ends in the same bits.
"""

import math
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch.optim import AdamW, Optimizer
from torch.utils._pytree import tree_map_only
from transformers import PreTrainedModel

from physics_lm import attention, compiling, distributed, muon, quick, resuming
from physics_lm.config import TrainConfig
from physics_lm.masked import Loss
from physics_lm.pace import Pace
from physics_lm.progress import Bar

Batches = Callable[[int], tuple[NDArray[np.int32], NDArray[np.int32]]]
Told = Callable[[list[dict[str, float]]], None]
FLUSH = 20  # steps between looks at the losses, so that a step never waits for the device


class DivergedError(RuntimeError):
    """The loss is no longer finite."""


def device() -> torch.device:
    """Return the accelerator where there is one, else the CPU."""
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


def precision(wanted: str, where: torch.device) -> str:
    """Return bf16 or fp32: as it is wanted, or with `auto` what the device is fast in."""
    if wanted != "auto":
        return wanted
    return "bf16" if fast_bf16(where) else "fp32"


def fast_bf16(where: torch.device) -> bool:
    """Whether the device has bf16 instructions; elsewhere they are emulated, a hundred times slower than fp32."""
    if where.type == "cuda":
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    return bool(torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported())


def autocast(kind: str, where: torch.device) -> AbstractContextManager[Any]:
    """Return the autocast context of a precision (bf16 or fp32)."""
    return torch.autocast(where.type, torch.bfloat16) if kind == "bf16" else nullcontext()


def rate(config: TrainConfig, step: int) -> float:
    """Return the learning rate of a step as a share of its peak: linear warm-up, cosine to `final`."""
    if step < config.warmup:
        return (step + 1) / config.warmup
    done = (step - config.warmup) / max(1, config.steps - config.warmup)
    return config.final + (1 - config.final) * 0.5 * (1 + math.cos(math.pi * min(1.0, done)))


def optimizers(model: PreTrainedModel, config: TrainConfig) -> list[Optimizer]:
    """Return AdamW over all weights, or Muon for the hidden matrices and AdamW for the rest."""
    embeddings = {id(m.weight) for m in (model.get_input_embeddings(), model.get_output_embeddings()) if m}
    positions = {id(p) for name, p in model.named_parameters() if name.endswith("wpe.weight")}
    learned = [p for p in model.parameters() if p.requires_grad]
    hidden = [p for p in learned if p.ndim == 2 and id(p) not in embeddings | positions]
    if config.optimizer != "muon":
        hidden = []
    chosen = {id(p) for p in hidden}
    adam: Optimizer = AdamW(
        [p for p in learned if id(p) not in chosen],
        lr=config.lr,
        betas=(config.beta1, config.beta2),
        eps=config.eps,
        weight_decay=config.weight_decay,
        fused=True,
    )
    if not hidden:
        return [adam]
    iterate = torch.bfloat16 if fast_bf16(hidden[0].device) else torch.float32
    return [adam, muon.Muon(hidden, config.matrix_lr, config.weight_decay, iterate)]


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
        self.batches, self.config, self.loss, self.watch = batches, config, loss or quick.loss_of, watch
        self.compiled = "no"
        if self.where.type == "cpu":  # its fused attention is slower than plain products at short contexts
            self.model.set_attn_implementation("eager")
        if loss is None and compiling.wanted(config, self.where):
            self.compile()
        if self.where.type == "cpu":
            quick.keep_pages()
            if self.compiled != "yes":
                quick.prepare(self.model)
        self.kind = precision(config.precision, self.where)
        self.optimizers = optimizers(model, config)
        self.peaks = [group["lr"] for opt in self.optimizers for group in opt.param_groups]
        self.path = state / resuming.STATE
        self.step = self.resumed_at = 0
        self.curve: list[dict[str, float]] = []
        self._losses: list[torch.Tensor] = []
        self.pace, self.stacked = Pace(model, self.where), 1  # stacked: how many are trained together
        self.told: Told = lambda points: None  # hears the points of the curve as they come
        self._load()
        self.shared = distributed.wrapped(self.model)
        if distributed.rank():  # dropout's; the first process draws as if it were alone
            torch.manual_seed(torch.initial_seed() + distributed.rank() + self.step)
        self.generators = resuming.generators()  # other jobs may draw before this one begins

    def compile(self) -> None:
        """Compile the loss, where there is a compiler."""
        self.loss, self.compiled = compiling.loss_of(self.model, self.where)

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
        resuming.draw_from(self.generators)
        self.told(self.curve)
        self.pace = Pace(self.model, self.where)

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
        inputs_BxT, learned_BxT = (sent(distributed.share(part), self.where).long() for part in (whole_BxT, labels_BxT))
        factor = rate(self.config, self.step)
        groups = [group for opt in self.optimizers for group in opt.param_groups]
        for group, peak in zip(groups, self.peaks, strict=True):
            group["lr"] = peak * factor
        with autocast(self.kind, self.where):
            loss = self.loss(self.shared, inputs_BxT, learned_BxT, self.step)
        if distributed.size() > 1:  # the mean over all tokens of the batch, however they are spread
            loss = loss * (distributed.size() * learned(distributed.share(labels_BxT)) / learned(labels_BxT))
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
        resuming.save(self.path, tree_map_only(torch.Tensor, torch.clone, state))  # not the buffer it is a view of

    def _load(self) -> None:
        state = resuming.load(self.path, self.where)
        if state is None:
            return
        self.model.load_state_dict(state["model"])
        for optimizer, saved in zip(self.optimizers, state["optimizers"], strict=True):
            optimizer.load_state_dict(saved)
        self.step = self.resumed_at = state["step"]
        self.curve = state["curve"]


def learned(labels_BxT: NDArray[np.int32]) -> int:
    """Return how many tokens of a batch are learned."""
    return int((labels_BxT[:, 1:] != -100).sum())


def sent(array: NDArray[Any], where: torch.device) -> torch.Tensor:
    """Return an array on a device; neither the host nor what a GPU has yet to do is waited for."""
    found = torch.from_numpy(array)
    if where.type != "cuda":
        return found.to(where)
    pinned = torch.empty(found.shape, dtype=found.dtype, pin_memory=True)
    np.copyto(pinned.numpy(), array)  # by one thread: many take longer to meet than to copy
    beside, here = _beside(where), torch.cuda.current_stream(where)
    with torch.cuda.stream(beside):
        moved = pinned.to(where, non_blocking=True)
    here.wait_stream(beside)
    moved.record_stream(here)
    return moved


@cache
def _beside(where: torch.device) -> torch.cuda.Stream:
    """Return the stream on which batches travel, so that their pinned memory is free again at once."""
    return torch.cuda.Stream(where)  # type: ignore[no-untyped-call]
