"""The corpus: every person's biographies as a `datasets` folder (Part 3.1, section 2)."""

import logging
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from data_gen.config import AuxiliaryConfig
from data_gen.corpus import beside
from data_gen.fingerprint import content_sha256
from physics_lm.config.run import RunConfig
from physics_lm.store import artifacts
from physics_lm.store.chain import Chain
from physics_lm.subject import Subject
from physics_lm.tracking import Tracker

NAME, OUTPUT, TRAINS = "corpus", "entries", False
VERSION = 1
log = logging.getLogger(__name__)


def spec(config: RunConfig, chain: Chain) -> artifacts.Spec:
    """Return the spec of the corpus. Texts read from a path enter its key by their content, not by their path."""
    settings: dict[str, Any] = {"seed": config.seed, "world": config.world, "corpus": replace(config.corpus, path="")}
    if config.corpus.path:
        settings["texts"] = content_sha256(config.corpus.path)
    if isinstance(config.beside, AuxiliaryConfig):
        settings["beside"] = artifacts.of_kind(beside.load(config.beside), config.beside)
    return artifacts.spec("corpus", VERSION, settings)


def check(config: RunConfig) -> None:
    """Raise ConfigError, PoolError or TemplateError where there are no such people or entries."""
    from data_gen.biographies import recipes
    from data_gen.corpus import from_folder
    from data_gen.people import world

    world.check(config.world)
    recipes.check(config.corpus)
    beside.check(config.beside, config.world, config.corpus)
    if config.corpus.kind == "folder":
        from_folder.read(config.corpus.path, world.make(config.world, config.seed))


def make(subject: Subject, folder: Path, state: Path, tracker: Tracker) -> Mapping[str, Any]:
    """Write the entries of the first epoch; raises AuditError where spans hold wrong values or splits share people."""
    from data_gen import audit
    from data_gen.corpus import storage
    from data_gen.people.attributes import NAMES
    from data_gen.questions.question import SPLITS

    config = subject.config
    entries = list(subject.epoch_entries())
    biographies = [entry for entry in entries if entry.person_id > beside.FIRST_NOBODY_ID]
    audit.check_spans(biographies, subject.worlds, NAMES)
    train, held, test = ({question.person for question in subject.questions(split)} for split in SPLITS)
    audit.check_disjoint(train | held, test, "questions")
    audit.check_disjoint(train, held, "questions")
    storage.write(entries, folder, subject.world, replace(config.corpus, path=""), config.beside)
    people = {entry.person_id for entry in biographies}
    texts = [(entry.person_id, entry.text) for entry in entries] if config.corpus.kind == "folder" else []
    if repeated := len(texts) - len(set(texts)):
        message = "corpus: %d of %d entries repeat another entry of the same person word for word"
        log.warning(message, repeated, len(texts))
    if missing := len(subject.world) - sum(map(subject.world.has_person, people)):
        message = "corpus: %d of %d people have no entry, but questions are asked about them"
        log.warning(message, missing, len(subject.world))
    return {"entries": len(entries), "people": len(people)}
