"""Hydra's and OmegaConf's refusals in one line: the key, what was given, what is expected, and how to mend it."""

import re
from collections.abc import Iterator
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from hydra.core.config_store import ConfigStore
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.errors import HydraException, MissingConfigException, OverrideParseException
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from experiments.launch.config import CONF, register

EXPECTED = {bool: "true or false", int: "a whole number", float: "a number", str: "a text"}
QUOTING = "quotes are for signs other than letters, digits and -_./: as in 'paths.lab=\"~/my lab\"'"


def hydra_message(error: BaseException, overrides: list[str]) -> str | None:
    """Return the one line for an error of Hydra or OmegaConf, or None for any other error.

    overrides: the words of the command line, of which some errors do not say which one they mean.
    """
    if isinstance(error, OverrideParseException):
        return _unreadable(str(error.override))
    if isinstance(error, ValueError) and "Config group override must be" in str(error):
        return _group_without_choice(overrides)
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
    """Name the first override that gives a config group something else than the name of a choice."""
    for override in reversed(OverridesParser.create().parse_overrides(overrides)):
        if (group := override.key_or_group) in groups() and not isinstance(override.value(), str | list):
            return f"{override.input_line}: choose one of {', '.join(choices(group))}"
    return f"{' '.join(overrides)}: a word does not begin with the name of a setting; write key=value"


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
    return message.strip().splitlines()[0]


def _unknown_key(key: str) -> str:
    """Return what to do about a key that does not exist: the keys of the same name elsewhere, or the nearest ones."""
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
    """Return every setting of the schema and what it takes, in words."""
    register()
    return dict(_settings(ConfigStore.instance().load("schema.yaml").node, ""))


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
