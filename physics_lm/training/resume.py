"""The saved state of a training, from which it resumes after a kill; a save replaces the file atomically."""

import io
import logging
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

log = logging.getLogger(__name__)
STATE = "state.pt"


def save(path: Path, state: dict[str, Any]) -> None:
    """Write a state and torch's generator states to a file, replacing it."""
    buffer = io.BytesIO()
    torch.save({**state, **rng_state()}, buffer)
    temporary = path.with_suffix(".tmp")
    with temporary.open("wb") as file:
        file.write(buffer.getbuffer())
        file.flush()
        os.fsync(file.fileno())
    os.replace(temporary, path)


def load(path: Path, device: torch.device) -> dict[str, Any] | None:
    """Read a state and set torch's generators; None, with a warning if it is damaged, where none can be read."""
    if not path.exists():
        return None
    try:
        state: dict[str, Any] = torch.load(path, map_location=device, weights_only=True)
    except Exception as error:  # starting anew costs time, but gives the same result
        log.warning("%s cannot be read (%s): starting from step 0", path, error.__class__.__name__)
        return None
    set_rng_state(state)
    return state


def rng_state() -> dict[str, torch.Tensor]:
    """Return the state of torch's CPU generator, and of the GPU's where there is one, which draws dropout there."""
    gpu = {"gpu": torch.cuda.get_rng_state()} if torch.cuda.is_available() else {}
    return {"generator": torch.get_rng_state(), **gpu}


def set_rng_state(state: Mapping[str, Any]) -> None:
    """Set torch's generators to states that `rng_state` returned."""
    torch.set_rng_state(state["generator"].cpu())
    if "gpu" in state and torch.cuda.is_available():
        torch.cuda.set_rng_state(state["gpu"].cpu())
