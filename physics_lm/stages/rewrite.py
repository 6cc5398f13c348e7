"""The rewriting: a local instruct model writes every entry anew (bioR; Part 3.1, section 2.2)."""

from collections.abc import Mapping
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

from data_gen.config import AuxiliaryConfig
from data_gen.errors import ConfigError
from data_gen.fingerprint import content_sha256
from physics_lm.config.rewrite import RewriteConfig
from physics_lm.config.run import RunConfig
from physics_lm.store import artifacts
from physics_lm.store.chain import Chain
from physics_lm.subject import Subject
from physics_lm.tracking import Tracker

NAME, OUTPUT, TRAINS = "rewrite", "entries", False
VERSION = 1


def spec(config: RunConfig, chain: Chain) -> artifacts.Spec | None:
    """Return the spec of the rewriting: its settings, the hash of the model's files, and the corpus."""
    if not config.rewrite.path:
        return None
    settings = {"rewrite": replace(config.rewrite, path=""), "model": content_sha256(config.rewrite.path)}
    return artifacts.spec("rewrite", VERSION, settings, corpus=chain["corpus"])


def check(config: RunConfig) -> None:
    """Raise ConfigError where the folder holds no model, or there are entries that cannot be rewritten."""
    if not (path := config.rewrite.path):
        return _check_unused(config.rewrite)
    if not (Path(path) / "config.json").exists():
        raise ConfigError(f"rewrite.path={path}: a local folder with a transformers model is needed")
    if config.corpus.fresh:
        raise ConfigError("corpus.fresh: entries are rewritten once; set it to false, or leave rewrite.path empty")
    if isinstance(config.beside, AuxiliaryConfig):
        raise ConfigError(
            f"beside.kind={config.beside.kind}: auxiliary entries cannot be rewritten; leave rewrite.path empty"
        )


def _check_unused(config: RewriteConfig) -> None:
    """Raise ConfigError naming a setting of a rewriting that there is not."""
    for item in fields(config):
        if (value := getattr(config, item.name)) != item.default:
            raise ConfigError(f"rewrite.{item.name}={value}: nothing is rewritten; set rewrite.path")


def make(subject: Subject, folder: Path, state: Path, tracker: Tracker) -> Mapping[str, Any]:
    """Write the rewritten entries; raises ConfigError where the model wrote none that can be used."""
    from data_gen.corpus import storage
    from physics_lm.environment import describe
    from physics_lm.inference import rewriting

    config = subject.config
    originals = list(storage.read(subject.folder("corpus")))
    entries, left_out = rewriting.rewrite_all(originals, subject.world, config.rewrite, state)
    storage.write(entries, folder, subject.world, replace(config.corpus, path=""))
    return {**describe(), "entries": len(entries), "of": len(originals), "people_left_out": left_out}
