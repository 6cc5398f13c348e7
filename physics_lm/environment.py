"""What a result was reached on."""

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
from physics_lm import device


def describe() -> dict[str, Any]:
    """Return what a result was reached on: device, threads, versions, and a fingerprint of the code."""
    where = device.device()
    name = torch.cuda.get_device_name() if where.type == "cuda" else platform.processor() or platform.machine()
    return {
        "device": f"{where.type}: {name}",
        "threads": torch.get_num_threads(),
        "cores": os.cpu_count(),
        "versions": {
            "python": platform.python_version(),
            "torch": torch.__version__,
            "transformers": transformers.__version__,
            "datasets": datasets.__version__,
            "code": code_digest(),
        },
    }


@cache
def code_digest() -> str:
    """Return the first digits of a sha256 over all files of the packages that results are made by."""
    whole = hashlib.sha256()
    for package in (Path(data_gen.__file__).parent, Path(__file__).parent):
        for path in sorted(path for path in package.rglob("*") if path.suffix in (".py", ".txt")):
            whole.update(path.relative_to(package.parent).as_posix().encode() + path.read_bytes())
    return whole.hexdigest()[:12]
