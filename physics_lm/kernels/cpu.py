"""TODO physics_lm.kernels.cpu."""

import ctypes
import sys
from functools import cache

from torch import nn
from transformers.activations import NewGELUActivation

from physics_lm.kernels import attention, neox_attention

_MMAP_THRESHOLD, _TRIM_THRESHOLD = -3, -1  # mallopt's


def prepare(model: nn.Module) -> None:
    """Let a model in training on a CPU use these functions, in place."""
    keep_pages()
    for module in model.modules():
        for name, part in module.named_children():
            if isinstance(part, NewGELUActivation):
                setattr(module, name, nn.GELU("tanh"))
    neox_attention.prepare(model)
    model.set_attn_implementation(attention.PLACED)  # type: ignore[operator]


@cache
def keep_pages() -> None:
    """Let the process keep what it frees: asking for the pages of every activation again takes a tenth of a step."""
    if sys.platform == "linux" and hasattr(libc := ctypes.CDLL(None), "mallopt"):
        libc.mallopt(_MMAP_THRESHOLD, 2**25)  # the most that glibc takes
        libc.mallopt(_TRIM_THRESHOLD, 2**30)
