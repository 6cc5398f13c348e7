"""TODO physics_lm.device."""

from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, nullcontext
from functools import cache
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray


def threaded(where: torch.device) -> bool:
    """Whether models are gone through in a thread each: on a CPU vmap is slower."""
    return where.type == "cpu"


@cache
def threads() -> ThreadPoolExecutor:
    """Return a pool with a thread for each that torch would use, each of which computes alone."""
    return ThreadPoolExecutor(torch.get_num_threads(), initializer=lambda: torch.set_num_threads(1))


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


def to_device(array: NDArray[Any], where: torch.device) -> torch.Tensor:
    """Return an array on a device; neither the host nor what a GPU has yet to do is waited for."""
    found = torch.from_numpy(array)
    if where.type != "cuda":
        return found.to(where)
    pinned = torch.empty(found.shape, dtype=found.dtype, pin_memory=True)
    np.copyto(pinned.numpy(), array)  # by one thread: many take longer to meet than to copy
    beside, here = _copy_stream(where), torch.cuda.current_stream(where)
    with torch.cuda.stream(beside):
        moved = pinned.to(where, non_blocking=True)
    here.wait_stream(beside)
    moved.record_stream(here)
    return moved


@cache
def _copy_stream(where: torch.device) -> torch.cuda.Stream:
    """Return the stream on which batches travel, so that their pinned memory is free again at once."""
    return torch.cuda.Stream(where)  # type: ignore[no-untyped-call]
