"""The errors that this package raises for bad settings, pools, templates and corpora."""


class AuditError(ValueError):
    """The corpus must not be trained on; the message names the fault and where it occurs."""


class ConfigError(ValueError):
    """A setting is impossible; the message names the key and how to fix it."""


class PoolError(ValueError):
    """A pool file is missing, altered or shorter than requested."""


class TemplateError(ValueError):
    """A template file breaks a rule; the message names file, line and rule."""
