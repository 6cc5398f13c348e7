"""The rewriting: a local instruct model writes every entry anew (bioR; Part 3.1, section 2.2)."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from data_gen.fingerprint import content_sha256
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
