"""From a checkpoint of a lab back to the run that made it: its people, its corpus, its tokenizer."""

import json
from dataclasses import fields
from pathlib import Path
from typing import Any

from data_gen import kinds
from data_gen.errors import ConfigError
from data_gen.settings import kind_key, rule
from physics_lm.config.probe import ProbeConfig
from physics_lm.config.run import KIND_PACKAGES, SECTIONS, RunConfig
from physics_lm.stages import STAGES
from physics_lm.store.artifacts import MANIFEST, Spec, Store
from physics_lm.store.chain import Chain
from physics_lm.subject import Subject

Manifest = dict[str, Any]


def subject_of(checkpoint: Path, probe: ProbeConfig) -> Subject:
    """Rebuild the run that made a checkpoint; its chain ends there.

    probe: the settings of the probe that will look at it. Sections that did not decide the model are at their defaults,
    and so is every path, whose content alone is known.
    Raises ConfigError where the folder is no checkpoint of a lab, or something it was made from was removed.
    """
    manifest = _manifest(checkpoint)
    if manifest["step"] not in [stage.NAME for stage in STAGES if stage.OUTPUT == "model"]:
        raise ConfigError(f"{checkpoint}: holds a {manifest['step']}, and a pretrained or fine-tuned model is needed")
    store = Store(checkpoint.resolve().parents[2])
    manifests = ancestors(store.lab, manifest)
    settings = {key: value for ancestor in manifests.values() for key, value in ancestor["config"].items()}
    sections = {name: _section(name, settings[name]) for name in SECTIONS if name in settings and name != "probe"}
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


def _section(name: str, settings: dict[str, Any]) -> Any:
    """Return a section of a run from the settings in a manifest, which lack those at their defaults."""
    default: Any = getattr(RunConfig(), name)
    config_class = type(default)
    if name in KIND_PACKAGES:
        kind = settings.get(kind_key(default), getattr(default, kind_key(default)))
        if kind not in kinds.modules(KIND_PACKAGES[name]):
            raise ConfigError(f"{name}={kind}: the checkpoint was made with a kind of {name} that is not here")
        config_class = kinds.modules(KIND_PACKAGES[name])[kind].Config
    known = {item.name for item in fields(config_class) if not rule(item).content}
    return config_class(**{key: value for key, value in settings.items() if key in known})
