"""Configs of a kind that is given by name, for tests that look at several kinds."""

from dataclasses import fields

from data_gen import kinds


def config_of(package, name, *given, **settings):
    """Return the config of a kind, without those settings that the kind lacks."""
    config = kinds.modules(package)[name].Config
    having = {item.name for item in fields(config)}
    return config(name, *given, **{key: value for key, value in settings.items() if key in having})


def model_config(kind, *shape, **settings):
    return config_of("physics_lm.models", kind, *shape, **settings)


def question_config(family, **settings):
    return kinds.modules("data_gen.questions")[family].Config(family, **settings)
