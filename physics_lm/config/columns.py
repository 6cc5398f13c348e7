"""A run's config as flat columns of its rows."""

from collections.abc import Mapping
from dataclasses import asdict, replace
from typing import Any

from data_gen import fingerprint
from data_gen.config import BesideConfig, FactsConfig
from physics_lm.config.run import RunConfig

# settings that change how a result is computed but not the result, and paths on this machine
EXECUTION_KEYS = ("save_every", "precision", "compile", "path")


def fingerprint_folder(config: FactsConfig) -> FactsConfig:
    """Return the config with the content's sha256 in place of the folder, or "" where the folder is not read."""
    is_read = config.folder and config.kind == "names"
    return replace(config, folder=fingerprint.content_sha256(config.folder) if is_read else "")


def settings_columns(config: RunConfig) -> Mapping[str, Any]:
    """Return the settings that decide a run's rows, as flat columns such as `corpus.entries`.

    `corpus.path`, `model.path` and `rewrite.path` hold the sha256 of the content, where something was read there.
    """
    beside = config.beside if config.beside.kind != "none" else BesideConfig()
    facts, probe = fingerprint_folder(config.facts), config.probe.result_settings
    columns = _flatten(asdict(replace(config, beside=beside, facts=facts, probe=probe)))
    columns = {key: value for key, value in columns.items() if key.rpartition(".")[2] not in EXECUTION_KEYS}
    paths = {f"{name}.path": getattr(config, name).path for name in ("corpus", "model", "rewrite")}
    return columns | {key: fingerprint.content_sha256(path) for key, path in paths.items() if path}


def _flatten(settings: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    columns: dict[str, Any] = {}
    for key, value in settings.items():
        columns |= _flatten(value, f"{prefix}{key}.") if isinstance(value, Mapping) else {prefix + key: value}
    return columns
