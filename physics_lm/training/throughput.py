"""Training speed: tokens per second, and the share of the device's peak (model FLOPs utilisation, MFU)."""

import time
from functools import cache, partial
from typing import Any

import torch

PEAKS = {
    "H200": 989e12, "H100 NVL": 835e12, "H100 PCIe": 756e12, "H100": 989e12, "B200": 2250e12, "GH200": 989e12,
    "A100": 312e12, "A800": 312e12, "A40": 150e12, "A30": 165e12, "A10": 125e12, "L40S": 362e12, "L40": 181e12,
    "L4": 121e12, "RTX 5090": 210e12, "RTX 4090": 165e12, "RTX 3090": 71e12, "RTX 6000 Ada": 364e12,
}  # fmt: skip
"""Dense bf16 operations per second with fp32 sums, by words of the device's name (the makers' data sheets)."""


def peak_flops(name: str) -> float | None:
    """Return the peak of a device in operations per second, or None for one that is not in the table."""
    matches = [words for words in PEAKS if f" {words} " in f" {name.replace('-', ' ')} "]
    return PEAKS[max(matches, key=len)] if matches else None


def flops_per_token(model: Any, context: int) -> float:
    """Return the operations of a forward and backward pass per token (PaLM, appendix B; 2204.02311).

    6 N + 12 layers width context, where N counts all weights but learned positions, and tied heads once.
    """
    positions = sum(p.numel() for name, p in model.named_parameters() if name.endswith("wpe.weight"))
    weights = sum(p.numel() for p in model.parameters()) - positions
    return float(6 * weights + 12 * model.config.num_hidden_layers * model.config.hidden_size * context)


class Throughput:
    """The tokens that one training has read since its first step in this process."""

    def __init__(self, model: Any, device: torch.device) -> None:
        """Start the clock."""
        self._start = time.perf_counter()
        self._tokens = self._flops = 0.0
        self.device_name = torch.cuda.get_device_name(device) if device.type == "cuda" else device.type
        self._peak = peak_flops(self.device_name)
        self._flops_per_token = cache(partial(flops_per_token, model))

    def add(self, shape: tuple[int, ...]) -> None:
        """Count a batch of a shape (batch, context)."""
        self._tokens += shape[0] * shape[1]
        if self._peak:
            self._flops += shape[0] * shape[1] * self._flops_per_token(shape[1])

    @property
    def _seconds(self) -> float:
        return max(1e-9, time.perf_counter() - self._start)

    @property
    def tokens_per_second(self) -> float:
        """Tokens per second."""
        return self._tokens / self._seconds

    @property
    def mfu(self) -> float | None:
        """The model's operations as a share of the device's peak, or None where the peak is not known."""
        return self._flops / self._seconds / self._peak if self._peak else None

    @property
    def bar_fields(self) -> dict[str, str]:
        """The fields of a progress bar."""
        fields = {"tok_s": f"{self.tokens_per_second:,.0f}"}
        return fields if self.mfu is None else {**fields, "mfu": f"{self.mfu:.1%}"}

    @property
    def summary(self) -> dict[str, Any]:
        """The entries of a manifest; where the peak is not known, `mfu` names the device."""
        mfu = f"the peak of {self.device_name} is not known" if self.mfu is None else round(self.mfu, 4)
        return {"tokens_per_second": round(self.tokens_per_second), "mfu": mfu}
