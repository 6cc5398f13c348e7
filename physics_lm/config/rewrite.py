"""Settings of the rewriting."""

from dataclasses import dataclass


@dataclass(frozen=True)
class RewriteConfig:
    """A local instruct model that rewrites every entry (Part 3.1, section 2.2: bioR).

    path: its transformers folder; empty for no rewriting. words: the length that the prompt requests. tokens: maximum.
    tries: samples per entry until one holds the name and all six values; an entry without one is left out.
    temperature: of the sampling; 0 for greedy decoding. batch: entries at a time.
    """

    path: str = ""
    words: int = 50
    tokens: int = 160
    tries: int = 8
    temperature: float = 1.0
    batch: int = 16
