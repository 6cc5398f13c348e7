"""A run's config as flat columns of its rows."""

from collections.abc import Mapping
from dataclasses import fields
from typing import Any

from data_gen.fingerprint import content_sha256
from data_gen.settings import rule
from physics_lm.config.run import SECTIONS, RunConfig


def settings_columns(config: RunConfig) -> Mapping[str, Any]:
    """Return the settings that decide a run's rows, as flat columns such as `corpus.entries`.

    A setting that the chosen kind lacks is no column. A path whose content decides, such as `corpus.path`, is the
    sha256 of what lies there.
    """
    columns: dict[str, Any] = {"seed": config.seed}
    for section in SECTIONS:
        columns |= section_columns(section, getattr(config, section))
    return columns


def section_columns(section: str, config: Any) -> dict[str, Any]:
    """Return the columns of one section of a run's config."""
    columns: dict[str, Any] = {}
    for item in fields(config):
        name, value = f"{section}.{item.name}", getattr(config, item.name)
        if isinstance(value, Mapping):
            columns |= {f"{name}.{key}": part for key, part in value.items()}
        elif rule(item).decides:
            columns[name] = content_sha256(value) if value and rule(item).content else value
    return columns
