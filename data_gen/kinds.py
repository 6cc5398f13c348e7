"""Kinds of a thing, such as probes or question families: those modules of a package that have a class `Config`.

Adding a module adds a kind. `Config` holds the kind's own settings, its name among them. A kind's module imports torch
only inside its functions, so that a command line can list all settings without it.
"""

import importlib
import pkgutil
from collections.abc import Mapping
from dataclasses import fields
from functools import cache
from types import ModuleType
from typing import Any

from data_gen.errors import ConfigError
from data_gen.settings import kind_key


@cache
def modules(package: str, marker: str = "Config") -> Mapping[str, ModuleType]:
    """Return the module of every kind in a package, by name: those that have the name `marker`."""
    found = [
        importlib.import_module(f"{package}.{module.name}")
        for module in pkgutil.iter_modules(importlib.import_module(package).__path__)
    ]
    return {module.__name__.rpartition(".")[2]: module for module in found if hasattr(module, marker)}


def names(package: str) -> list[str]:
    """Return the names of the kinds in a package."""
    return sorted(modules(package))


def making(package: str, makes: str) -> list[str]:
    """Return the names of the kinds in a package that make something. makes: the function by which they do."""
    return [name for name, module in modules(package).items() if hasattr(module, makes)]


def load(package: str, section: str, config: Any, makes: str = "", base: type = object) -> Any:
    """Return the module of a config's kind.

    section: of a run, for the message. makes, base: the function by which a kind makes something, and the class that
    the Config of such a kind extends. Raises ConfigError where there is no such kind, or the settings are of another.
    """
    key = kind_key(config)
    name = getattr(config, key)
    if name not in modules(package):
        raise ConfigError(f"{section}.{key}={name}: choose one of {', '.join(names(package))}")
    module = modules(package)[name]
    if {item.name for item in fields(module.Config)} != {item.name for item in fields(config)}:
        raise ConfigError(f"{section}.{key}={name}: the settings given are of another kind; choose {section}={name}")
    if makes and hasattr(module, makes) and not issubclass(module.Config, base):
        raise TypeError(f"{module.__name__}: its Config must extend {base.__name__}")
    return module


def version(module: Any) -> Mapping[str, int]:
    """Return a kind's version as settings of a key: nothing for the first, which older keys do not name."""
    return {} if module.VERSION == 1 else {"version": module.VERSION}
