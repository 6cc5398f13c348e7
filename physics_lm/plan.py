"""The specs of a run's stages from its RunConfig: no artifact is made, and torch is not imported.

The files at corpus.path, model.path, rewrite.path and facts.folder are hashed.
"""

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
