"""A run as a chain of artifacts: the spec of each of its stages, in order."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from physics_lm.store.artifacts import Spec


@dataclass(frozen=True)
class Chain:
    """The specs of a run's stages by name, in the order in which they are made; a stage that a run lacks is absent.

    latest: the last spec that gives a kind of output (`entries`, `facts`, `tokenizer`, `model`, `rows`). previous: the
    chain without the last stage.
    """

    specs: Mapping[str, Spec] = field(default_factory=dict)
    latest: Mapping[str, Spec] = field(default_factory=dict)
    previous: "Chain | None" = None

    def then(self, name: str, output: str, spec: Spec) -> "Chain":
        """Return the chain with one more stage, which gives an output."""
        return Chain({**self.specs, name: spec}, {**self.latest, output: spec}, self)

    def before(self, name: str) -> "Chain":
        """Return the chain as it is before a stage that the run has."""
        chain = self
        while name in chain.specs:
            assert chain.previous is not None
            chain = chain.previous
        return chain

    def __getitem__(self, name: str) -> Spec:
        return self.specs[name]

    def get(self, name: str) -> Spec | None:
        """Return a stage's spec, or None where the run lacks the stage."""
        return self.specs.get(name)

    @property
    def steps(self) -> list[Spec]:
        """The specs in order."""
        return list(self.specs.values())

    @property
    def entries(self) -> Spec:
        """The biographies that the model reads: the corpus, or its rewriting."""
        return self.latest["entries"]

    @property
    def tokenizer(self) -> Spec:
        """The corpus's tokenizer."""
        return self.latest["tokenizer"]

    @property
    def model(self) -> Spec:
        """The model as it stands after the last stage that changes it: the one that is probed."""
        return self.latest["model"]

    @property
    def rows(self) -> Spec:
        """The probe's rows, by whose key a run is known."""
        return self.latest["rows"]
