"""Pretraining on windows of entries, or of entries and questions of P_train (Part 3.1, sections 2.4 and 3)."""

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

NAME, OUTPUT, TRAINS = "pretrain", "model", True
VERSION = 2


def spec(config: RunConfig, chain: Chain) -> artifacts.Spec:
    """Return the spec of the pretrained model. A checkpoint enters its key by its files, not by their path."""
    settings = {"seed": config.seed, "model": config.model, "pretrain": config.pretrain.result_settings}
    if config.pretrain.question_share:
        settings["questions"] = config.questions
    if config.model.kind == "checkpoint":
        settings["model"] = replace(config.model, path="")
        settings["weights"] = content_sha256(config.model.path)
    facts = chain.get("facts")
    inputs = {"facts": facts} if facts and config.pretrain.facts else {}
    return artifacts.spec("pretrain", VERSION, settings, corpus=chain.entries, tokenizer=chain.tokenizer, **inputs)


def make(subject: Subject, folder: Path, state: Path, tracker: Tracker) -> Mapping[str, Any]:
    """Write the pretrained model, its tokenizer, its loss curve and its evaluations."""
    from physics_lm.training import pretraining

    return pretraining.pretrain(subject, folder, state, tracker)
