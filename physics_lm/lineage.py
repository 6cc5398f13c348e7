"""From a checkpoint of a lab back to the run that made it: its people, its corpus, its tokenizer."""

import json
from dataclasses import fields
from pathlib import Path
from typing import Any

from data_gen.config import BesideConfig, CorpusConfig, WorldConfig
from data_gen.errors import ConfigError
from physics_lm.config.probe import ProbeConfig
from physics_lm.config.run import RunConfig
from physics_lm.config.training import PretrainConfig
from physics_lm.stages import STAGES
from physics_lm.store.artifacts import MANIFEST, Spec, Store
from physics_lm.store.chain import Chain
from physics_lm.subject import Subject

Manifest = dict[str, Any]
SECTIONS = {"world": WorldConfig, "corpus": CorpusConfig, "beside": BesideConfig, "pretrain": PretrainConfig}


def subject_of(checkpoint: Path, probe: ProbeConfig) -> Subject:
    """Rebuild the run that made a checkpoint; its chain ends there.

    probe: the settings of the probe that will look at it. Settings that do not decide what the model read (how it was
    fine-tuned, on which questions) are at their defaults.
    Raises ConfigError where the folder is no checkpoint of a lab, or something it was made from was removed.
    """
    manifest = _manifest(checkpoint)
    if manifest["step"] not in [stage.NAME for stage in STAGES if stage.OUTPUT == "model"]:
        raise ConfigError(f"{checkpoint}: holds a {manifest['step']}, and a pretrained or fine-tuned model is needed")
    store = Store(checkpoint.resolve().parents[2])
    manifests = ancestors(store.lab, manifest)
    settings = {key: value for ancestor in manifests.values() for key, value in ancestor["config"].items()}
    sections = {name: _section(kind, settings.get(name, {})) for name, kind in SECTIONS.items()}
    chain = Chain()
    for stage in STAGES:
        if stage.NAME in manifests:
            chain = chain.then(stage.NAME, stage.OUTPUT, _spec(manifests[stage.NAME]))
    return Subject(RunConfig(seed=settings["seed"], probe=probe, **sections), chain, store)


def ancestors(lab: Path, manifest: Manifest) -> dict[str, Manifest]:
    """Return the manifests of an artifact and of all it was made from, by stage; of several, the last one made."""
    manifests = {manifest["step"]: manifest}
    for key in manifest["inputs"].values():
        folders = list((lab / "artifacts").glob(f"*/{key}"))
        if not folders:
            raise ConfigError(f"{lab}: ancestor {key[:12]} was removed; run the checkpoint's command again")
        manifests = ancestors(lab, _manifest(folders[0])) | manifests
    return manifests


def _manifest(folder: Path) -> Manifest:
    try:
        manifest: Manifest = json.loads((folder / MANIFEST).read_text())
        return manifest
    except (OSError, ValueError):
        raise ConfigError(f"{folder}: no checkpoint of a lab, which has a {MANIFEST}") from None


def _spec(manifest: Manifest) -> Spec:
    return Spec(*(manifest[field.name] for field in fields(Spec)))


def _section(kind: Any, settings: dict[str, Any]) -> Any:
    names = {field.name for field in fields(kind)}
    return kind(**{key: value for key, value in settings.items() if key in names})
