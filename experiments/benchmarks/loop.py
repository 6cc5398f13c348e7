"""The training loop against transformers' Trainer and a plain loop, on the same model, batches and precision."""

import tempfile
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from transformers import PreTrainedModel, Trainer, TrainerCallback, TrainingArguments

from experiments.benchmarks import Contender, Row, interleaved, separate_processes, time_call
from physics_lm import models
from physics_lm.config.model import ShapeConfig
from physics_lm.config.training import PretrainConfig
from physics_lm.data.batches import INPUTS, LABELS, Batch
from physics_lm.device import default_device
from physics_lm.training.loop import Training
from physics_lm.training.throughput import Throughput

WARM_UP, STEPS = 5, 25
CPU_ROUNDS, GPU_ROUNDS = 5, 3
RIVALS = {"plain": "a plain loop (nanoGPT's)", "trainer": "transformers Trainer"}


class Shape(NamedTuple):
    """A model and its batches: rows, tokens of a row, and the size of the vocabulary."""

    model: ShapeConfig
    batch: int
    context: int
    vocabulary: int = 1300


LAPTOP = Shape(ShapeConfig(layers=3, width=128, heads=4, positions=128), 16, 128)
GPU = Shape(ShapeConfig(layers=6, width=256, heads=8, positions=256), 32, 256)  # scale=gpu
PAPER = Shape(ShapeConfig(layers=12, width=768, heads=12, positions=512), 96, 512, 50_257)  # Part 3.1, section 2.4


def rows(cuda: bool) -> Iterator[Row]:
    """Measure tokens a second on the CPU, uncompiled and compiled, or on the GPU where there is one."""
    for name, compiled, target in (("loop_eager", False, 1.15), ("loop_compiled", True, 1.0)):
        if not cuda:
            factories = contender_factories(LAPTOP, compiled, torch.device("cpu"))
            with separate_processes(factories) as contenders:
                yield from _rival_rows(name, interleaved(contenders, CPU_ROUNDS), target, "cpu, laptop model")
    factories = contender_factories(PAPER, True, default_device()) if cuda else {}
    speeds = interleaved({name: factory() for name, factory in factories.items()}, GPU_ROUNDS)
    yield from _rival_rows("loop_compiled_gpu", speeds, 1.2, "gpu, 124M")
    share = _flops_utilization() if cuda else None
    yield Row("loop_mfu_gpu", "share of the peak", share, None, "", "higher", 0.45, "gpu, 124M")


def _rival_rows(name: str, speeds: dict[str, float], target: float, device: str) -> Iterator[Row]:
    for rival, rival_name in RIVALS.items():
        numbers = (speeds.get("ours"), speeds.get(rival))
        yield Row(f"{name}_against_{rival}", "tokens/s", *numbers, rival_name, "higher", target, device)


def contender_factories(shape: Shape, compiled: bool, device: torch.device) -> dict[str, Callable[[], Contender]]:
    """Return for each loop a function that makes its contender: tokens a second, AdamW in bf16, the same batches."""
    return {
        "ours": partial(_ours, shape, compiled),
        "plain": partial(_plain, shape, compiled, device),
        "trainer": partial(_trainer, shape, compiled),
    }


def build_model(shape: Shape) -> PreTrainedModel:
    """Return the rivals' model, on a CPU with the attention that our loop uses there: the fastest at this length."""
    model = models.build(shape.model, shape.vocabulary, 0, 0)
    if not torch.cuda.is_available():
        model.set_attn_implementation("eager")
    return model


def token_batch(shape: Shape, step: int) -> Any:
    """Return the random token ids of a step, (batch, context)."""
    return np.random.default_rng(step).integers(1, shape.vocabulary, (shape.batch, shape.context)).astype(np.int32)


def _batch(shape: Shape, step: int) -> Batch:
    ids_BxT = token_batch(shape, step)
    return {INPUTS: ids_BxT, LABELS: ids_BxT}


def build_training(shape: Shape, compile: str = "auto") -> Training:
    """Return our loop, ready for its next step. compile: as in a training's config (always, never, auto)."""
    model = models.build(shape.model, shape.vocabulary, 0, 0)
    config = PretrainConfig(
        steps=10**9, batch=shape.batch, precision="bf16", warmup=0, save_every=10**9, compile=compile
    )
    loop = Training(model, partial(_batch, shape), config, Path(tempfile.mkdtemp()))
    loop.start()
    return loop


def run_steps(loop: Training, count: int) -> None:
    """Take training steps, and wait until the device has finished them."""
    with loop.fast_attention():
        for _ in range(count):
            loop.train_step()
            loop.after_step()
    loop.read_losses()


def tokens_per_second(shape: Shape, run: Callable[[int], object], steps: int | None = None) -> float:
    """Return the tokens that `run` trains on in a second, after a warm-up. steps: how many; by default STEPS."""
    count = steps or STEPS
    run(WARM_UP)
    return shape.batch * shape.context * count / time_call(lambda: run(count))


def _ours(shape: Shape, compiled: bool) -> Contender:
    loop = build_training(shape, "always" if compiled else "never")
    return lambda: tokens_per_second(shape, partial(run_steps, loop))


def _plain(shape: Shape, compiled: bool, device: torch.device) -> Contender:
    model: Any = build_model(shape).to(device).train()  # type: ignore[arg-type]
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3, weight_decay=0.1, fused=True)
    forward = torch.compile(model) if compiled else model

    def run(count: int) -> None:
        for step in range(count):
            ids_BxT = torch.from_numpy(token_batch(shape, step)).long().to(device)
            with torch.autocast(device.type, torch.bfloat16):
                loss = forward(input_ids=ids_BxT, labels=ids_BxT, use_cache=False).loss
            loss.backward()
            torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
            optimizer.zero_grad(set_to_none=True)
        loss.item()
        if device.type == "cuda":  # waits for the last backward pass and update, too
            torch.cuda.synchronize(device)

    return lambda: tokens_per_second(shape, run)


class _Clock(TrainerCallback):  # type: ignore[misc]
    """The time of the steps after the warm-up."""

    start = stop = 0.0

    def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        if state.global_step == WARM_UP:
            self.start = time.perf_counter()
        self.stop = time.perf_counter()


def _trainer(shape: Shape, compiled: bool) -> Contender:
    ids = np.concatenate([token_batch(shape, step) for step in range(WARM_UP + STEPS)])
    data = [{"input_ids": row, "labels": row.astype(np.int64)} for row in ids]
    model = build_model(shape)
    settings = TrainingArguments(
        output_dir=tempfile.mkdtemp(), max_steps=WARM_UP + STEPS, per_device_train_batch_size=shape.batch, bf16=True,
        use_cpu=not torch.cuda.is_available(), learning_rate=1e-3, weight_decay=0.1, max_grad_norm=1.0,
        save_strategy="no", logging_strategy="no", report_to=[], disable_tqdm=True, torch_compile=compiled,
    )  # fmt: skip

    def measure() -> float:
        clock = _Clock()
        Trainer(model, settings, train_dataset=data, callbacks=[clock]).train()
        return shape.batch * shape.context * STEPS / (clock.stop - clock.start)

    return measure


def _flops_utilization() -> float | None:
    """Return our loop's share of the GPU's peak FLOPs, or None where the peak is not known."""
    loop = build_training(PAPER)
    run_steps(loop, WARM_UP)
    loop.throughput = Throughput(loop.model, loop.device)
    run_steps(loop, 4 * STEPS)
    return loop.throughput.mfu
