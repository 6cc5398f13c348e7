"""How fast a training goes: tokens a second, and the share of the device's peak (model FLOPs utilisation, MFU)."""

import time
from functools import cache, partial
from typing import Any

import torch

PEAKS = {
    "H200": 989e12, "H100 NVL": 835e12, "H100 PCIe": 756e12, "H100": 989e12, "B200": 2250e12, "GH200": 989e12,
    "A100": 312e12, "A800": 312e12, "A40": 150e12, "A30": 165e12, "A10": 125e12, "L40S": 362e12, "L40": 181e12,
    "L4": 121e12, "RTX 5090": 210e12, "RTX 4090": 165e12, "RTX 3090": 71e12, "RTX 6000 Ada": 364e12,
}  # fmt: skip
"""Dense bf16 operations a second with fp32 sums, by a part of the device's name (the makers' data sheets)."""


def peak(name: str) -> float | None:
    """Return a device's peak in operations a second, or None for one that is not in the table."""
    found = [part for part in PEAKS if f" {part} " in f" {name.replace('-', ' ')} "]
    return PEAKS[max(found, key=len)] if found else None


def flops(model: Any, context: int) -> float:
    """Return operations a token, forward and backward: 6 N + 12 layers width context (PaLM, appendix B; 2204.02311).

    N: all weights but learned positions, tied heads once.
    """
    settings = model.config
    positions = sum(p.numel() for name, p in model.named_parameters() if name.endswith("wpe.weight"))
    weights = sum(p.numel() for p in model.parameters()) - positions
    return float(6 * weights + 12 * settings.num_hidden_layers * settings.hidden_size * context)


class Throughput:
    """Tokens of one training, counted from its first step in this process on."""

    def __init__(self, model: Any, where: torch.device) -> None:
        """Start with nothing counted."""
        self._began = time.perf_counter()
        self._tokens = self._work = 0.0
        self.device = torch.cuda.get_device_name(where) if where.type == "cuda" else where.type
        self._peak = peak(self.device)
        self._flops = cache(partial(flops, model))

    def add(self, shape: tuple[int, ...]) -> None:
        """Count a batch of a shape (batch, context)."""
        self._tokens += shape[0] * shape[1]
        if self._peak:
            self._work += shape[0] * shape[1] * self._flops(shape[1])

    @property
    def seconds(self) -> float:
        """Seconds since the first step."""
        return max(1e-9, time.perf_counter() - self._began)

    @property
    def tokens(self) -> float:
        """Tokens a second."""
        return self._tokens / self.seconds

    @property
    def mfu(self) -> float | None:
        """Share of the device's peak that the model's own operations take, or None where the peak is not known."""
        return self._work / self.seconds / self._peak if self._peak else None

    @property
    def shown(self) -> dict[str, str]:
        """The pace in words, for a bar."""
        words = {"tok_s": f"{self.tokens:,.0f}"}
        return words if self.mfu is None else {**words, "mfu": f"{self.mfu:.1%}"}

    @property
    def told(self) -> dict[str, Any]:
        """The pace for a manifest; a device without a known peak is named."""
        share = f"the peak of {self.device} is not known" if self.mfu is None else round(self.mfu, 4)
        return {"tokens_per_second": round(self.tokens), "mfu": share}
