"""From a checkpoint of a lab back to the run that made it: its world, its corpus, its tokenizer."""

import json
from dataclasses import fields
from pathlib import Path
from typing import Any

from data_gen.config import BesideConfig, CorpusConfig, WorldConfig
from data_gen.errors import ConfigError
from physics_lm.config.probe import ProbeConfig
from physics_lm.config.run import RunConfig
from physics_lm.config.training import PretrainConfig
from physics_lm.plan import Plan
from physics_lm.store.artifacts import MANIFEST, Spec, Store, spec

Manifest = dict[str, Any]
KNOWN = {"world": WorldConfig, "corpus": CorpusConfig, "beside": BesideConfig, "pretrain": PretrainConfig}


def run(checkpoint: Path, probe: ProbeConfig) -> tuple[RunConfig, Plan, Store]:
    """Return what a checkpoint was made from, as a run that probes it, and the store that it lies in.

    Settings that decide nothing about what was read (how it was fine-tuned, on which questions) are at their defaults.
    Raises ConfigError where the folder is no checkpoint of a lab, or something it was made from is not there.
    """
    own = _manifest(checkpoint)
    if own["step"] not in ("pretrain", "finetune"):
        raise ConfigError(f"{checkpoint}: holds a {own['step']}, and a pretrained or fine-tuned model is needed")
    store = Store(checkpoint.resolve().parents[2])
    above = ancestors(store.lab, own)
    steps = {name: _spec(found) for name, found in above.items()}
    settings = {key: part for found in above.values() for key, part in found["config"].items()}
    sections = {name: _section(kind, settings.get(name, {})) for name, kind in KNOWN.items()}
    config = RunConfig(seed=settings["seed"], probe=probe, **sections)
    last = _spec(own)
    asked = spec("probe", 0, {"probe": probe}, model=last)
    finetune = last if own["step"] == "finetune" else None
    told = steps["corpus"], steps.get("rewrite"), None, steps["tokenizer"], steps["pretrain"]
    return config, Plan(*told, prior=None, finetune=finetune, probe=asked), store


def ancestors(lab: Path, manifest: Manifest) -> dict[str, Manifest]:
    """Return the manifests of an artifact and of all it was made from, by step; of several, the last one made."""
    found = {manifest["step"]: manifest}
    for key in manifest["inputs"].values():
        places = list((lab / "artifacts").glob(f"*/{key}"))
        if not places:
            raise ConfigError(f"{lab}: the checkpoint was made from {key[:12]}, which is not there; run its run again")
        found = ancestors(lab, _manifest(places[0])) | found
    return found


def _manifest(folder: Path) -> Manifest:
    try:
        data: Manifest = json.loads((folder / MANIFEST).read_text())
        return data
    except (OSError, ValueError):
        raise ConfigError(f"{folder}: no checkpoint of a lab, which has a {MANIFEST}") from None


def _spec(manifest: Manifest) -> Spec:
    return Spec(*(manifest[part.name] for part in fields(Spec)))


def _section(kind: Any, given: dict[str, Any]) -> Any:
    known = {part.name for part in fields(kind)}
    return kind(**{key: value for key, value in given.items() if key in known})
