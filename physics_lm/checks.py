"""Validation of a run's config before any work; each error names the key and how to fix it."""

from data_gen import kinds, settings
from data_gen.errors import ConfigError
from physics_lm.config.run import KIND_PACKAGES, SECTIONS, RunConfig
from physics_lm.stages import STAGES


def check(config: RunConfig) -> None:
    """Raise ConfigError (or PoolError, TemplateError) naming the key and how to fix it, before any work.

    First every setting is held against its own rule, then each stage says what it cannot do.
    """
    if not 0 <= config.seed < 2**31:
        raise ConfigError(f"seed={config.seed}: must be 0 or more and below 2**31")
    for section in SECTIONS:
        if section in KIND_PACKAGES:
            kinds.load(KIND_PACKAGES[section], section, getattr(config, section))
        settings.check(section, getattr(config, section))
    for stage in STAGES:
        stage.check(config)
