"""TODO physics_lm.config.rewrite."""

from dataclasses import dataclass


@dataclass(frozen=True)
class RewriteConfig:
    """A local instruct model that writes every entry anew (Part 3.1, section 2.2: bioR).

    path: its transformers folder; empty leaves the entries as they are. words: asked for. tokens: at most.
    tries: how often an entry is asked for until the name and all six values stand in it; then it is left out.
    temperature: of the sampling; 0 takes the likeliest. batch: entries at a time.
    """

    path: str = ""
    words: int = 50
    tokens: int = 160
    tries: int = 8
    temperature: float = 1.0
    batch: int = 16
