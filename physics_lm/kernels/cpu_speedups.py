"""In-place changes that make a model train faster on a CPU; its config and its weights stay as they are."""

import ctypes
import sys
from functools import cache

from torch import nn
from transformers.activations import NewGELUActivation

from physics_lm.kernels import attention, neox_attention

_MMAP_THRESHOLD, _TRIM_THRESHOLD = -3, -1  # parameters of mallopt (malloc.h)


def prepare(model: nn.Module) -> None:
    """Replace a model's activation and attention functions by faster equivalents, in place."""
    keep_pages()
    for module in model.modules():
        for name, child in module.named_children():
            if isinstance(child, NewGELUActivation):
                setattr(module, name, nn.GELU("tanh"))
    neox_attention.replace_attention(model)
    model.set_attn_implementation(attention.IN_PLACE)  # type: ignore[operator]


@cache
def keep_pages() -> None:
    """Let malloc keep freed memory; requesting the pages of every activation again takes a tenth of a step."""
    if sys.platform == "linux" and hasattr(libc := ctypes.CDLL(None), "mallopt"):
        libc.mallopt(_MMAP_THRESHOLD, 2**25)  # the maximum that glibc accepts
        libc.mallopt(_TRIM_THRESHOLD, 2**30)
