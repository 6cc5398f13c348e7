"""The training loop against transformers' Trainer and a plain loop: same model, batch, precision and packing."""

import tempfile
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from transformers import PreTrainedModel, Trainer, TrainerCallback, TrainingArguments

from experiments.benchmarks import Contender, Row, apart, interleaved
from physics_lm import device
from physics_lm.config.model import ModelConfig
from physics_lm.config.training import PretrainConfig, TrainConfig
from physics_lm.models import registry
from physics_lm.training import loop as training_loop
from physics_lm.training.throughput import Throughput

WARM, STEPS = 5, 25
CPU_ROUNDS, GPU_ROUNDS = 5, 3
RIVALS = {"plain": "a plain loop (nanoGPT's)", "trainer": "transformers Trainer"}


class Shape(NamedTuple):
    """A model, and what it reads in a step."""

    model: ModelConfig
    batch: int
    context: int
    vocabulary: int = 1300


LAPTOP = Shape(ModelConfig(layers=3, width=128, heads=4, positions=128), 16, 128)
GPU = Shape(ModelConfig(layers=6, width=256, heads=8, positions=256), 32, 256)  # scale=gpu
PAPER = Shape(ModelConfig(layers=12, width=768, heads=12, positions=512), 96, 512, 50_257)  # Part 3.1, section 2.4


def rows(cuda: bool) -> Iterator[Row]:
    """Measure tokens a second on the CPU, uncompiled and compiled, or on the GPU where there is one."""
    for how, compile, target in (("eager", False, 1.15), ("compiled", True, 1.0)):
        if not cuda:
            with apart(makers(LAPTOP, compile, torch.device("cpu"))) as measured:
                yield from _rows(f"loop_{how}", interleaved(measured, CPU_ROUNDS), target, "cpu, laptop model")
    gpu = {name: make() for name, make in makers(PAPER, True, device.device()).items()} if cuda else {}
    yield from _rows("loop_compiled_gpu", interleaved(gpu, GPU_ROUNDS), 1.2, "gpu, 124M")
    share = _mfu() if cuda else None
    yield Row("loop_mfu_gpu", "share of the peak", share, None, "", "higher", 0.45, "gpu, 124M")


def _rows(name: str, found: dict[str, float], target: float, device: str) -> Iterator[Row]:
    for rival, told in RIVALS.items():
        ours, its = found.get("ours"), found.get(rival)
        yield Row(f"{name}_against_{rival}", "tokens/s", ours, its, told, "higher", target, device)


def makers(shape: Shape, compile: bool, where: torch.device) -> dict[str, Callable[[], Contender]]:
    """Return what makes that which measures tokens a second of each loop, AdamW in bf16, on the same windows."""
    return {
        "ours": partial(_ours, shape, compile),
        "plain": partial(_plain, shape, compile, where),
        "trainer": partial(_trainer, shape, compile),
    }


def model(shape: Shape) -> PreTrainedModel:
    """Return the model; the rivals get the attention that is fastest on a CPU at this context, too."""
    made = registry.build(shape.model, shape.vocabulary, 0, 0)
    if not torch.cuda.is_available():
        made.set_attn_implementation("eager")
    return made


def windows(shape: Shape, step: int) -> Any:
    """Return the batch of a step, (batch, context)."""
    return np.random.default_rng(step).integers(1, shape.vocabulary, (shape.batch, shape.context)).astype(np.int32)


def _batches(shape: Shape, step: int) -> tuple[Any, Any]:
    rows = windows(shape, step)
    return rows, rows


def _config(shape: Shape, compile: str) -> TrainConfig:
    return PretrainConfig(steps=10**9, batch=shape.batch, precision="bf16", warmup=0, save_every=10**9, compile=compile)


def ours(shape: Shape, compile: str = "auto") -> training_loop.Training:
    """Return our loop, ready for its next step; compile: as of a training (always, never, auto)."""
    loop = training_loop.Training(
        registry.build(shape.model, shape.vocabulary, 0, 0),
        partial(_batches, shape),
        _config(shape, compile),
        Path(tempfile.mkdtemp()),
    )
    loop.begin()
    return loop


def _ours(shape: Shape, compile: bool) -> Contender:
    loop = ours(shape, "always" if compile else "never")

    def measure() -> float:
        steps(loop, WARM)
        start = time.perf_counter()
        steps(loop, STEPS)
        return shape.batch * shape.context * STEPS / (time.perf_counter() - start)

    return measure


def steps(loop: training_loop.Training, count: int) -> None:
    """Take steps, and wait until the device has taken them."""
    with loop.attending():
        for _ in range(count):
            loop.advance()
            loop.ticked()
    loop.flush()


def _plain(shape: Shape, compile: bool, where: torch.device) -> Contender:
    made: Any = model(shape).to(where).train()  # type: ignore[arg-type]
    optimizer = torch.optim.AdamW(made.parameters(), lr=1e-3, weight_decay=0.1, fused=True)
    run = torch.compile(made) if compile else made

    def steps(count: int) -> None:
        for step in range(count):
            ids = torch.from_numpy(windows(shape, step)).long().to(where)
            with torch.autocast(where.type, torch.bfloat16):
                loss = run(input_ids=ids, labels=ids, use_cache=False).loss
            loss.backward()
            torch.nn.utils.clip_grad_norm_(made.parameters(), 1.0)
            optimizer.step()
            optimizer.zero_grad(set_to_none=True)
        loss.item()
        if where.type == "cuda":  # the last backward pass and update, too
            torch.cuda.synchronize(where)

    def measure() -> float:
        steps(WARM)
        start = time.perf_counter()
        steps(STEPS)
        return shape.batch * shape.context * STEPS / (time.perf_counter() - start)

    return measure


class _Clock(TrainerCallback):  # type: ignore[misc]
    """The time of the steps after the first ones."""

    start = stop = 0.0

    def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        if state.global_step == WARM:
            self.start = time.perf_counter()
        self.stop = time.perf_counter()


def _trainer(shape: Shape, compile: bool) -> Contender:
    size = shape.batch * (WARM + STEPS)
    ids = np.concatenate([windows(shape, step) for step in range(WARM + STEPS)])
    data = [{"input_ids": ids[row], "labels": ids[row].astype(np.int64)} for row in range(size)]
    made = model(shape)
    settings = TrainingArguments(
        output_dir=tempfile.mkdtemp(), max_steps=WARM + STEPS, per_device_train_batch_size=shape.batch, bf16=True,
        use_cpu=not torch.cuda.is_available(), learning_rate=1e-3, weight_decay=0.1, max_grad_norm=1.0,
        save_strategy="no", logging_strategy="no", report_to=[], disable_tqdm=True, torch_compile=compile,
    )  # fmt: skip

    def measure() -> float:
        clock = _Clock()
        Trainer(made, settings, train_dataset=data, callbacks=[clock]).train()
        return shape.batch * shape.context * STEPS / (clock.stop - clock.start)

    return measure


def _mfu() -> float | None:
    """Return our loop's share of the GPU's peak, or None where that is not known."""
    loop = ours(PAPER)
    steps(loop, WARM)
    loop.pace = Throughput(loop.model, loop.where)
    steps(loop, 4 * STEPS)
    return loop.pace.mfu
