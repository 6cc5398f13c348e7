"""From a RunConfig to the specs of its stages, in order; nothing is computed and torch is not imported."""

from physics_lm.config.run import RunConfig
from physics_lm.stages import STAGES
from physics_lm.store.chain import Chain


def plan(config: RunConfig) -> Chain:
    """Return the chain of a run's specs."""
    chain = Chain()
    for stage in STAGES:
        if spec := stage.spec(config, chain):
            chain = chain.then(stage.NAME, stage.OUTPUT, spec)
    return chain
