"""The state of a loop on disk, from which it goes on after a kill: written aside and moved into place whole."""

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
    """Write a state, with torch's generators, over the one before."""
    buffer = io.BytesIO()
    torch.save({**state, **generators()}, buffer)
    aside = path.with_suffix(".tmp")
    with aside.open("wb") as file:
        file.write(buffer.getbuffer())
        file.flush()
        os.fsync(file.fileno())
    os.replace(aside, path)


def load(path: Path, where: torch.device) -> dict[str, Any] | None:
    """Read a state and set torch's generators; None where there is none, or it is damaged, which is said."""
    if not path.exists():
        return None
    try:
        state: dict[str, Any] = torch.load(path, map_location=where, weights_only=True)
    except Exception as error:  # a damaged state costs time, never a wrong number
        log.warning("%s cannot be read (%s): starting from step 0", path, error.__class__.__name__)
        return None
    draw_from(state)
    return state


def draw_from(state: Mapping[str, Any]) -> None:
    """Set torch's generators to what `generators` returned."""
    torch.set_rng_state(state["generator"].cpu())
    if "gpu" in state and torch.cuda.is_available():
        torch.cuda.set_rng_state(state["gpu"].cpu())


def generators() -> dict[str, torch.Tensor]:
    """Return the state of torch's generator, and of the GPU's where dropout is drawn there."""
    there = {"gpu": torch.cuda.get_rng_state()} if torch.cuda.is_available() else {}
    return {"generator": torch.get_rng_state(), **there}
