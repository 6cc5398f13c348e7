"""TODO physics_lm.config.columns."""

from collections.abc import Mapping
from dataclasses import asdict, replace
from typing import TYPE_CHECKING, Any

from data_gen import fingerprint
from data_gen.config import BesideConfig, FactsConfig

if TYPE_CHECKING:
    pass
from physics_lm.config.run import RunConfig

# settings that change how a result is reached, never which result, and where on this machine something lies
HOW = ("save_every", "precision", "compile", "path")


def pathless(config: FactsConfig) -> FactsConfig:
    """Return the config with a folder's content in the place of its path, where it is read."""
    read = config.folder and config.kind == "names"
    return replace(config, folder=fingerprint.fingerprint(config.folder) if read else "")


def settings_columns(config: RunConfig) -> Mapping[str, Any]:
    """Return the arm's config as flat columns, e.g. `corpus.entries`; what decides a row and nothing else.

    `corpus.path`, `model.path` and `rewrite.path`, where something was read there, hold its fingerprint.
    """
    flat: dict[str, Any] = {}
    beside = config.beside if config.beside.kind != "none" else BesideConfig()
    _flatten(asdict(replace(config, beside=beside, facts=pathless(config.facts), probe=config.probe.used)), "", flat)
    read = {f"{name}.path": getattr(config, name).path for name in ("corpus", "model", "rewrite")}
    decides = {key: value for key, value in flat.items() if key.rpartition(".")[2] not in HOW}
    return decides | {key: fingerprint.fingerprint(path) for key, path in read.items() if path}


def _flatten(value: Mapping[str, Any], prefix: str, into: dict[str, Any]) -> None:
    for key, part in value.items():
        if isinstance(part, Mapping):
            _flatten(part, f"{prefix}{key}.", into)
        else:
            into[prefix + key] = part
