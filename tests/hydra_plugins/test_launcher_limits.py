"""The limits of a job's process, without starting one."""

import re
import resource
from dataclasses import asdict
from pathlib import Path

import pytest
import torch

from data_gen.errors import ConfigError
from hydra_plugins.physics_lm_launcher import _child, _pool
from hydra_plugins.physics_lm_launcher.processes import ProcessesConf


@pytest.fixture
def gpus(monkeypatch):
    """Pretend that there are two GPUs; return the settings that a job makes on them."""
    calls = {}
    real = Path.exists
    monkeypatch.setattr(Path, "exists", lambda path: str(path) == "/dev/nvidiactl" or real(path))
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    monkeypatch.setattr(torch.cuda, "set_device", lambda gpu: calls.update(gpu=gpu))
    monkeypatch.setattr(
        torch.cuda, "set_per_process_memory_fraction", lambda share, gpu: calls.update(share=share, on=gpu)
    )
    return calls


@pytest.mark.parametrize(
    ("slot", "at_once", "share", "expected"),
    [
        (0, 2, 0.0, {"gpu": 0, "share": 1.0, "on": 0}),
        (3, 4, 0.0, {"gpu": 1, "share": 0.5, "on": 1}),
        (2, 5, 0.0, {"gpu": 0, "share": 1 / 3, "on": 0}),
        (2, 5, 0.2, {"gpu": 0, "share": 0.2, "on": 0}),
    ],
)
def test_jobs_are_spread_over_the_gpus_and_share_their_memory(gpus, slot, at_once, share, expected):
    _child._apply_limits({"memory_gb": 0, "slot": slot, "at_once": at_once, "gpu_share": share})
    assert gpus == expected


def test_a_memory_limit_is_the_processes_own(monkeypatch):
    set_to = {}
    monkeypatch.setattr(resource, "setrlimit", lambda kind, limits: set_to.update({kind: limits}))
    _child._apply_limits({"memory_gb": 1.5, "slot": 0, "at_once": 1, "gpu_share": 0})
    assert set_to == {resource.RLIMIT_DATA: (1.5 * 2**30, 1.5 * 2**30)}


@pytest.mark.parametrize(
    ("key", "value"),
    [("n_jobs", 0), ("n_jobs", -7), ("threads", -3), ("memory_gb", -1.0), ("memory_gb", float("nan")),
     ("memory_gb", 1e30), ("gpu_share", 7.0)],
)  # fmt: skip
def test_a_setting_that_cannot_be_is_refused_by_name(key, value):
    with pytest.raises(ConfigError, match=re.escape(f"hydra.launcher.{key}={value}")):
        _pool.launch(asdict(ProcessesConf()) | {key: value}, [])


def test_the_settings_that_come_with_the_launcher_can_be():
    _pool.check_settings(asdict(ProcessesConf()))
