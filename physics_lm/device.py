"""The device that models run on: how it is selected, the precision it is fast in, and copies of batches to it."""

from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, nullcontext
from functools import cache
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray


def uses_threads(device: torch.device) -> bool:
    """Return whether several models run in one thread each rather than in vmap, which is slower on a CPU."""
    return device.type == "cpu"


@cache
def thread_pool() -> ThreadPoolExecutor:
    """Return a pool of as many threads as torch would use; torch computes in one thread within each of them."""
    return ThreadPoolExecutor(torch.get_num_threads(), initializer=lambda: torch.set_num_threads(1))


def default_device() -> torch.device:
    """Return the GPU where there is one, else the CPU."""
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


def resolve_precision(precision: str, device: torch.device) -> str:
    """Return bf16 or fp32; `auto` stands for bf16 where the device is fast in it, else for fp32."""
    if precision != "auto":
        return precision
    return "bf16" if has_fast_bf16(device) else "fp32"


def has_fast_bf16(device: torch.device) -> bool:
    """Return whether the device has bf16 instructions; emulated bf16 is a hundred times slower than fp32."""
    if device.type == "cuda":
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    return bool(torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported())


def autocast(precision: str, device: torch.device) -> AbstractContextManager[Any]:
    """Return the autocast context of a precision (bf16 or fp32)."""
    return torch.autocast(device.type, torch.bfloat16) if precision == "bf16" else nullcontext()


def to_device(array: NDArray[Any], device: torch.device) -> torch.Tensor:
    """Copy an array to a device; the host does not wait, and a GPU's pending work does not delay the copy."""
    tensor = torch.from_numpy(array)
    if device.type != "cuda":
        return tensor.to(device)
    pinned = torch.empty(tensor.shape, dtype=tensor.dtype, pin_memory=True)
    np.copyto(pinned.numpy(), array)  # one thread: several take longer to synchronise than to copy
    copies, current = _copy_stream(device), torch.cuda.current_stream(device)
    with torch.cuda.stream(copies):
        copied = pinned.to(device, non_blocking=True)
    current.wait_stream(copies)
    copied.record_stream(current)
    return copied


@cache
def _copy_stream(device: torch.device) -> torch.cuda.Stream:
    """Return the CUDA stream that copies batches; on a stream of its own a copy frees its pinned memory at once."""
    return torch.cuda.Stream(device)  # type: ignore[no-untyped-call]
