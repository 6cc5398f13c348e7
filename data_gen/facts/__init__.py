"""Facts told in one order and asked in both, a module for each kind (the reversal curse, 2309.12288).

A fact links a name and a description; its id is a sha256, so that it is the same wherever it comes from.
"""

import importlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Protocol, cast

from data_gen.config import FactsConfig
from data_gen.errors import ConfigError
from data_gen.facts.fact import Facts

KINDS = ("none", "names", "instructions")


class Source(Protocol):
    """What a module of this package offers."""

    def check(self, config: FactsConfig, pools: Mapping[str, int]) -> None:
        """Raise ConfigError naming the key and the mend where the facts cannot be made."""
        ...

    def facts(self, config: FactsConfig, pools: Mapping[str, int], seed: int) -> Facts:
        """Return the facts of a seed; `pools` says how many first and last names are used."""
        ...


def _source(config: FactsConfig) -> Source:
    name = "published" if config.folder and config.kind == "names" else config.kind
    return cast(Source, importlib.import_module(f"{__name__}.{name}"))


def check(config: FactsConfig, pools: Mapping[str, int]) -> None:
    """Raise ConfigError naming the key and the mend where the facts cannot be made or read."""
    if config.kind not in KINDS:
        raise ConfigError(f"facts.kind={config.kind}: choose one of {', '.join(KINDS)}")
    if config.kind != "none":
        _source(config).check(config, pools)


def make(config: FactsConfig, pools: Mapping[str, int], seed: int) -> Facts:
    """Return the facts of a config and a seed; raises ConfigError as `check` does."""
    check(config, pools)
    return _source(config).facts(config, pools, seed)


def write(facts: Facts, folder: Path) -> None:
    """Write told.jsonl and asked.jsonl: task, subset, fact (its id), prompt and completion."""
    for name, sentences in (("told", facts.told), ("asked", facts.asked)):
        with (folder / f"{name}.jsonl").open("w", encoding="utf-8") as file:
            for q in sentences:
                fact = facts.facts[q.person].id
                row = {"task": q.task, "subset": q.attribute, "fact": fact, "prompt": q.prompt, "completion": q.gold}
                file.write(json.dumps(row, ensure_ascii=False) + "\n")
