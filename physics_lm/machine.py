"""What a result was reached on."""

import os
import platform
from typing import Any

import datasets
import torch
import transformers

from physics_lm import training


def machine() -> dict[str, Any]:
    """Return what a result was reached on: device, threads, versions."""
    where = training.device()
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
        },
    }
