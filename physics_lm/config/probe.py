"""Settings of the probe."""

from dataclasses import dataclass, replace

LINEAR_PROBES = ("p_probe", "q_probe")  # probes that are trained
QUESTION_PROBES = ("bidirectional", "curves", "extraction", "manipulation", "reversal", "reversal_logprob")


@dataclass(frozen=True)
class ProbeConfig:
    """What is measured on the trained model. kind: a module of physics_lm.probes. batch: rows per forward pass.

    The rest is for linear probes (p_probe, q_probe; Part 3.1, appendix). examples: entries or names per step. rank: of
    the embedding's update. shared: one update for all tasks and positions of an attribute, and one for all controls,
    instead of one for each. tasks: all, or some joined by + (first, whole, first_major, whole_major, ...). positions:
    all, or some joined by +. save_every: steps between resumable states. precision: of the frozen model, as in training
    """

    kind: str = "extraction"
    batch: int = 256
    steps: int = 30_000
    examples: int = 50
    lr: float = 1e-3
    weight_decay: float = 0.3
    rank: int = 2
    shared: bool = False
    tasks: str = "all"
    positions: str = "all"
    save_every: int = 1000
    precision: str = "auto"

    @property
    def result_settings(self) -> "ProbeConfig":
        """The settings that decide a result of this kind of probe; all others are at their defaults."""
        if self.kind in QUESTION_PROBES:
            return ProbeConfig(self.kind, self.batch)
        return replace(self, save_every=ProbeConfig.save_every, precision=ProbeConfig.precision)
