"""Settings of the rewriting."""

from dataclasses import dataclass

from data_gen.settings import setting


@dataclass(frozen=True)
class RewriteConfig:
    """A local instruct model that rewrites every entry (Part 3.1, section 2.2: bioR).

    path: its transformers folder; empty for no rewriting. words: the length that the prompt requests. tokens: maximum.
    tries: samples per entry until one holds the name and all six values; an entry without one is left out.
    temperature: of the sampling; 0 for greedy decoding. batch: entries at a time.
    """

    path: str = setting("", content=True)
    words: int = setting(50, least=1)
    tokens: int = setting(160, least=1)
    tries: int = setting(8, least=1)
    temperature: float = setting(1.0, least=0)
    batch: int = setting(16, least=1)
