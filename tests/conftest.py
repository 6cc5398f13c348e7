"""Fixtures that several test modules share: configs of the smoke scale, and a lab with one run of that scale."""

import os

os.environ["HF_HUB_OFFLINE"] = "1"  # no test may depend on the network
os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
import torch

from data_gen.biographies.biography import Biography
from data_gen.corpus.storage import read
from data_gen.people.world import World, make
from data_gen.questions import generate
from data_gen.questions.question import Question
from experiments.launch import hydra_internals
from experiments.launch.config import run_config
from physics_lm.config.run import RunConfig
from physics_lm.plan import plan
from physics_lm.run import execute
from physics_lm.store.artifacts import Store
from physics_lm.store.chain import Chain
from physics_lm.training import loop

torch.set_num_threads(1)

Smoke = Callable[..., RunConfig]


@dataclass(frozen=True)
class Lab:
    path: Path
    config: RunConfig

    @property
    def plan(self) -> Chain:
        return plan(self.config)

    @property
    def store(self) -> Store:
        return Store(self.path)

    def folder(self, step: str) -> Path:
        return self.store.folder(self.plan[step])

    @property
    def world(self) -> World:
        return make(self.config.world, self.config.seed)

    @property
    def questions(self) -> list[Question]:
        """All questions, those of P_train first."""
        return [q for split in ("train", "test") for q in generate(self.world, self.config.questions, split)]

    @property
    def entries(self) -> list[Biography]:
        return list(read(self.folder("corpus")))


def compose(*overrides: str) -> RunConfig:
    return run_config(hydra_internals.compose(["scale=smoke", *overrides]))


@pytest.fixture(scope="session")
def smoke() -> Smoke:
    """Compose a run of the smoke scale from overrides."""
    return compose


@pytest.fixture(scope="session")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Lab:
    """Return a lab that holds one complete run (multi2_permute); tests only read it."""
    new_lab = Lab(tmp_path_factory.mktemp("lab"), compose("corpus=multi2_permute"))
    execute(new_lab.config, new_lab.path)
    return new_lab


class Caught(Exception):
    """Carries the batches out of a run that is stopped before its first step."""


@pytest.fixture
def batches_of(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[[RunConfig, str], loop.Batches]:
    """Return a function that returns the batches that a run would train on in a step."""

    def read_batches(config: RunConfig, step: str) -> loop.Batches:
        original = loop.Training.run

        def run(self: loop.Training, title: str) -> list[dict[str, float]]:
            if title.startswith(step):
                raise Caught(self.batches)
            return original(self, title)

        with monkeypatch.context() as patch:
            patch.setattr(loop.Training, "run", run)
            with pytest.raises(Caught) as caught:
                execute(config, tmp_path)
        batches: loop.Batches = caught.value.args[0]
        return batches

    return read_batches
