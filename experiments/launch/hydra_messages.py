"""Hydra's and OmegaConf's refusals in one line: the key, what was given, what is expected, and how to mend it."""

import re
from collections.abc import Iterator
from dataclasses import fields
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from hydra.core.config_store import ConfigStore
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.errors import HydraException, MissingConfigException, OverrideParseException
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException
from yaml import YAMLError

from data_gen import kinds
from data_gen.errors import ConfigError
from experiments.launch.config import CONF, register
from physics_lm.config.run import KIND_PACKAGES

EXPECTED = {bool: "true or false", int: "a whole number", float: "a number", str: "a text"}
QUOTING = "quotes are for signs other than letters, digits and -_./: as in 'paths.lab=\"~/my lab\"'"


def hydra_message(error: BaseException, overrides: list[str]) -> str | None:
    """Return the one line for an error of Hydra or OmegaConf, or None for any other error.

    overrides: the words of the command line, of which some errors do not say which one they mean.
    """
    if isinstance(error, YAMLError):
        return " ".join(str(error).split())
    if isinstance(error, OverrideParseException):
        return _unreadable(str(error.override))
    if isinstance(error, ValueError | TypeError) and (message := _group_without_choice(overrides)):
        return message
    if isinstance(error, ValueError) and "Config group override must be" in str(error):
        return f"{' '.join(overrides)}: a word does not begin with the name of a setting; write key=value"
    if isinstance(error, MissingConfigException):
        return _unknown_choice(str(error), overrides)
    if isinstance(error, HydraException):
        return _refused(str(error), error.__cause__)
    if isinstance(error, OmegaConfBaseException):
        return f"{error.full_key or 'config'}: {_first_line(error)}"
    return None


def _first_line(error: BaseException) -> str:
    return str(error).strip().splitlines()[0]


def _unreadable(override: str) -> str:
    key, equals, value = override.partition("=")
    if not equals:
        return f"{override}: write key=value"
    return f"{key}={value}: cannot be read; {QUOTING}"


def _group_without_choice(overrides: list[str]) -> str | None:
    """Name the last override that gives a config group something else than names of choices; None without one."""
    for word in reversed(overrides):
        try:
            override = OverridesParser.create().parse_override(word)
        except HydraException:
            continue
        group, given = override.key_or_group, override.value()
        named = given if isinstance(given, list) else [given]
        if group in groups() and override.value_type and not all(isinstance(name, str) for name in named):
            return f"{override.input_line}: choose one of {', '.join(choices(group))}"
    return None


def check_choices(words: list[str]) -> None:
    """Raise ConfigError for a word that would remove a group's choice or merge several: every group has one."""
    for word in words:
        group, _, given = word.removeprefix("~").partition("=")
        if group in groups() and (word.startswith("~") or given.startswith("[")):
            wrong = "a choice cannot be removed" if word.startswith("~") else "several choices"
            raise ConfigError(f"{word}: {wrong}; choose one of {', '.join(choices(group))}")


def _unknown_choice(message: str, overrides: list[str]) -> str:
    match = re.search(r"Could not find '([^']*)'", message)
    group, _, choice = (match[1] if match else "").rpartition("/")
    options = re.findall(r"^\t(?!provider=)(\S+)$", message, re.MULTILINE)
    given = next(
        (word for word in reversed(overrides) if word.partition("=")[0].lstrip("+") == group), f"{group}={choice}"
    )
    return f"{given}: choose one of {', '.join(options)}" if options else f"{given}: there is no such group of choices"


def _refused(message: str, cause: BaseException | None) -> str:
    if match := re.match(r"Could not override '([^']*)'", message):
        return _unknown_key(match[1])
    if match := re.match(r"Error merging override (.*)", message, re.DOTALL):
        return _wrong_value(match[1].splitlines()[0], cause)
    if match := re.match(r"Ambiguous value for argument '(.*)'", message):
        key, _, value = match[1].partition("=")
        return f"{match[1]}: several values; add -m to make a run for each, or quote them: '{key}=\"{value}\"'"
    if match := re.match(r"In '(.*)/(.*)': \w+ raised while composing config:\n(.*)\n *full_key: (.*)", message):
        return _impossible_choice(*match.groups())
    return message.strip().splitlines()[0]


def _impossible_choice(group: str, choice: str, reason: str, key: str) -> str:
    having = kinds_with(key) if "not in" in reason else []
    mend = (
        f"; begin the file with those of a choice that has it, as in defaults: [{having[0]}, _self_]" if having else ""
    )
    return f"{group}={choice}: {key}: {reason}{mend}"


def _unknown_key(key: str) -> str:
    """Return what to do about a key that does not exist: the keys of the same name elsewhere, or the nearest ones."""
    if having := kinds_with(key):
        section = key.partition(".")[0]
        chosen = " or ".join(f"{section}={name}" for name in having)
        return f"{key}: the choice of {section} has no such setting; choose {chosen}"
    name, known = key.rpartition(".")[2], sorted({*settings(), *groups()})
    same = [other for other in known if other.rpartition(".")[2] == name]
    near = same or get_close_matches(key, known, 3, 0.7) or get_close_matches(name, known, 3, 0.7)
    hint = f"; did you mean {' or '.join(near[:4])}?" if near else "; --cfg job lists all settings"
    return f"{key}: there is no such setting{hint}"


def _wrong_value(override: str, cause: BaseException | None) -> str:
    if override.startswith("~"):
        return f"{override}: a setting cannot be removed; give it another value"
    key = override.lstrip("+").partition("=")[0]
    expected = settings().get(key)
    if expected is None:
        return f"{override}: {_first_line(cause) if cause else 'this value is not possible'}"
    return f"{override}: {expected} is expected"


def settings() -> dict[str, str]:
    """Return every setting of the schemas, whatever kind has it, and what it takes, in words."""
    found = dict(_settings(_schema("schema"), ""))
    for section, package in KIND_PACKAGES.items():
        for name in kinds.names(package):
            found |= dict(_settings(_schema(f"schema/{section}/{name}"), f"{section}."))
    return found


def _schema(name: str) -> DictConfig:
    register()
    schema: DictConfig = ConfigStore.instance().load(f"{name}.yaml").node
    return schema


def kinds_with(key: str) -> list[str]:
    """Return the kinds of a section that have a setting; none for a section without kinds."""
    section, _, name = key.partition(".")
    modules = kinds.modules(KIND_PACKAGES[section]) if section in KIND_PACKAGES else {}
    return [kind for kind, module in modules.items() if name in {item.name for item in fields(module.Config)}]


def _settings(node: Any, prefix: str) -> Iterator[tuple[str, str]]:
    for key in node:
        name, child = f"{prefix}{key}", node._get_node(key)
        if isinstance(child, DictConfig):
            yield name, "a group of settings"
            yield from _settings(child, f"{name}.")
        elif OmegaConf.is_list(child):
            yield name, "a list"
        else:
            yield name, EXPECTED.get(child._metadata.ref_type, "another kind of value")


def groups() -> list[str]:
    """Return the names of the config groups."""
    return sorted(path.name for path in Path(CONF).iterdir() if path.is_dir())


def choices(group: str) -> list[str]:
    """Return the choices of a config group."""
    return sorted(path.stem for path in (Path(CONF) / group).glob("*.yaml"))
