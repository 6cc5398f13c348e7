"""The hardware, the library versions and the code that a result was made with."""

import hashlib
import os
import platform
from functools import cache
from pathlib import Path
from typing import Any

import datasets
import torch
import transformers

import data_gen
from physics_lm.device import default_device


def describe() -> dict[str, Any]:
    """Return the device, the numbers of threads and cores, the versions, and a fingerprint of the code."""
    kind = default_device().type
    name = torch.cuda.get_device_name() if kind == "cuda" else platform.processor() or platform.machine()
    return {
        "device": f"{kind}: {name}",
        "threads": torch.get_num_threads(),
        "cores": os.cpu_count(),
        "versions": {
            "python": platform.python_version(),
            **{library.__name__: library.__version__ for library in (torch, transformers, datasets)},
            "code": code_digest(),
        },
    }


@cache
def code_digest() -> str:
    """Return the first 12 hex digits of a sha256 over all .py and .txt files of data_gen and physics_lm."""
    sha256 = hashlib.sha256()
    for package in (Path(data_gen.__file__).parent, Path(__file__).parent):
        for path in sorted(path for path in package.rglob("*") if path.suffix in (".py", ".txt")):
            sha256.update(path.relative_to(package.parent).as_posix().encode() + path.read_bytes())
    return sha256.hexdigest()[:12]
