"""Trainings of models of one shape as a stack: one step advances all K models.

Each model keeps its own data, seed and learning rates, and ends as it would have ended alone. On a GPU one pass of
torch.func.vmap runs all models; on a CPU, where vmap is slower (docs/lab-log.md), each model has a thread.
"""

from collections.abc import Hashable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any

from physics_lm import job_scheduler
from physics_lm.device import thread_pool, uses_threads
from physics_lm.kernels import compiling, head_loss
from physics_lm.objectives._shared import next_token
from physics_lm.progress import Bar
from physics_lm.training import distributed
from physics_lm.training.loop import DivergedError, Training
from physics_lm.training.stacking.parameters import StackedParameters

DROPOUTS = ("attention_dropout", "hidden_dropout", "resid_pdrop", "embd_pdrop", "attn_pdrop")


def train(training: Training, title: str) -> list[dict[str, float]]:
    """Run a training and return its curve; among concurrent jobs, stacked with all trainings of the same shape."""
    if not job_scheduler.in_job():
        return training.run(title)
    stage, request = job_scheduler.current_stage(), (training, title)
    curve: list[dict[str, float]] = job_scheduler.batched_call(_train_together, shape(training), stage, request)
    return curve


def shape(training: Training) -> Hashable:
    """Return a key that is equal for trainings that can be stacked, and unique for one that cannot be.

    Dropout prevents stacking, because it draws from the one generator of the process.
    """
    model, config = training.model, training.config
    has_dropout = any(getattr(model.config, name, 0) for name in DROPOUTS)
    custom = training.loss is not next_token.loss or not head_loss.has_linear_head(model)
    if custom or has_dropout or distributed.size() > 1:
        return id(training)
    sizes = tuple((name, tuple(param.shape)) for name, param in model.named_parameters())
    shared = (config.steps, config.batch, config.optimizer, config.beta1, config.beta2, config.eps, config.save_every)
    return model.config.to_json_string(), sizes, shared, training.step, training.precision


def _train_together(requests: list[tuple[Training, str]]) -> list[Any]:
    """Run trainings of one shape; return the curve of each, or the exception that ended it."""
    trainings, title = [training for training, _ in requests], requests[0][1]
    if len(trainings) > 1:
        for training in trainings:
            training.stack_size = len(trainings)
        return Stack(trainings).run(f"{title} and {len(trainings) - 1} more")
    (training,) = trainings
    if training.loss is next_token.loss and compiling.is_worthwhile(training.config, training.device):
        training.compile()
    try:
        return [training.run(title)]
    except Exception as error:
        return [error]


class Stack:
    """K trainings of one `shape`, stepped together by vmap or by threads; a lane is the number of one of them."""

    def __init__(self, trainings: Sequence[Training], vmapped: bool | None = None) -> None:
        """Prepare the trainings. vmapped: None for what is faster on the device."""
        self.trainings, self.active_lanes = list(trainings), list(range(len(trainings)))
        self.results: list[Any] = [None] * len(trainings)
        vmapped = not uses_threads(trainings[0].device) if vmapped is None else vmapped
        self.parameters = StackedParameters(self.trainings) if vmapped else None

    def run(self, title: str) -> list[Any]:
        """Train to the last step; return the curve of each training, or the DivergedError that ended it."""
        for training in self.trainings:
            training.start()
        steps = self.trainings[0].config.steps
        with self.fast_attention(), Bar(title, steps, "step", self.trainings[0].step) as bar:
            while self.active_lanes and self.trainings[self.active_lanes[0]].step < steps:
                self.train_step()
                for lane in list(self.active_lanes):
                    self._after_step(lane)
                bar.update()
        for lane in self.active_lanes:
            self.results[lane] = self.trainings[lane].curve
        if self.parameters:
            self.parameters.release()
        return self.results

    @contextmanager
    def fast_attention(self) -> Iterator[None]:
        """Enter `Training.fast_attention` of every training."""
        with ExitStack() as contexts:
            for training in self.trainings:
                contexts.enter_context(training.fast_attention())
            yield

    def train_step(self) -> None:
        """Take one step in every active lane."""
        if self.parameters:
            self.parameters.train_step(self.active_lanes)
        else:
            list(thread_pool().map(lambda lane: self.trainings[lane].train_step(), self.active_lanes))

    def _after_step(self, lane: int) -> None:
        try:
            self.trainings[lane].after_step()
        except DivergedError as error:  # the other lanes continue; this lane's slice of the buffers is ignored
            self.results[lane] = error
            self.active_lanes.remove(lane)
