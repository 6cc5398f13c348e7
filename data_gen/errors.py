"""TODO data_gen.errors."""


class AuditError(ValueError):
    """The corpus must not be trained on; the message says what is wrong and where."""


class ConfigError(ValueError):
    """A setting is impossible; the message names the key and the mend."""


class PoolError(ValueError):
    """A pool file is missing, altered or shorter than asked."""


class TemplateError(ValueError):
    """A template file breaks a rule; the message names file, line and rule."""
