"""Small things that several test modules share: configs of the smoke scale and one lab made with it."""

import os

os.environ["HF_HUB_OFFLINE"] = "1"  # no test may depend on the network
os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
import torch

from data_gen.biographies import Biography
from data_gen.corpus import read
from data_gen.questions import Question, ask
from data_gen.world import World, make
from experiments import sweep
from experiments.config import run_config
from physics_lm import pipeline, training
from physics_lm.artifacts import Store
from physics_lm.pipeline import Plan, RunConfig

torch.set_num_threads(1)

Smoke = Callable[..., RunConfig]


@dataclass(frozen=True)
class Lab:
    path: Path
    config: RunConfig

    @property
    def plan(self) -> Plan:
        return pipeline.plan(self.config)

    @property
    def store(self) -> Store:
        return Store(self.path)

    def folder(self, step: str) -> Path:
        return self.store.folder(getattr(self.plan, step))

    @property
    def world(self) -> World:
        return make(self.config.world, self.config.seed)

    @property
    def questions(self) -> list[Question]:
        """All questions, those of P_train first."""
        return [q for split in ("train", "test") for q in ask(self.world, self.config.questions, split)]

    @property
    def entries(self) -> list[Biography]:
        return list(read(self.folder("corpus")))


def compose(*overrides: str) -> RunConfig:
    return run_config(sweep.compose(["scale=smoke", *overrides]))


@pytest.fixture(scope="session")
def smoke() -> Smoke:
    """Compose a run of the smoke scale from overrides."""
    return compose


@pytest.fixture(scope="session")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Lab:
    """Return a lab that holds one complete run (multi2_permute); tests only read it."""
    made = Lab(tmp_path_factory.mktemp("lab"), compose("corpus=multi2_permute"))
    pipeline.run(made.config, made.path)
    return made


class Caught(Exception):
    """Carries the batches out of a run that is stopped before its first step."""


@pytest.fixture
def batches_of(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[[RunConfig, str], training.Batches]:
    """Return the batches that a run would train on; `step` is pretrain or finetune."""

    def batches(config: RunConfig, step: str) -> training.Batches:
        real = training.Training.run

        def run(self: training.Training, title: str) -> list[dict[str, float]]:
            if title.startswith(step):
                raise Caught(self.batches)
            return real(self, title)

        with monkeypatch.context() as patch:
            patch.setattr(training.Training, "run", run)
            with pytest.raises(Caught) as caught:
                pipeline.run(config, tmp_path)
        found: training.Batches = caught.value.args[0]
        return found

    return batches
