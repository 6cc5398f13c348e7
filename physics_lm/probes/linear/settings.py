"""The settings that linear probes share (Part 3.1, sections 5 and 6, and appendix)."""

from dataclasses import dataclass
from math import inf

from data_gen.settings import setting
from physics_lm import needs
from physics_lm.config.probe import ProbeConfig
from physics_lm.config.run import RunConfig


def wide_model(config: RunConfig) -> str:
    """Need a model that is at least as wide as the rank of the embedding's update."""
    rank, width = getattr(config.probe, "rank", 0), getattr(config.model, "width", inf)
    return "" if rank <= width else f"a wider model, and model.width={width}; set probe.rank={width} or less"


NEEDS = (needs.causal_model, wide_model)


@dataclass(frozen=True)
class LinearConfig(ProbeConfig):
    """A probe that is trained.

    examples: entries or names per step. rank: of the embedding's update. shared: one update for all tasks and positions
    of an attribute, and one for all controls, instead of one for each. tasks: all, or some joined by + (first, whole,
    first_major, whole_major, ...). save_every: steps between resumable states. precision: of the frozen model, as in
    training.
    """

    steps: int = setting(30_000, least=1)
    examples: int = setting(50, least=1)
    lr: float = setting(1e-3, above=0)
    weight_decay: float = setting(0.3, least=0)
    rank: int = setting(2, least=1)
    shared: bool = setting(False)
    tasks: str = setting("all")
    save_every: int = setting(1000, least=1, decides=False)
    precision: str = setting("auto", choices=("auto", "bf16", "fp32"), decides=False)
