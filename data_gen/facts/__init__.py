"""Facts trained on in one order and tested in both, a module for each kind (the reversal curse, 2309.12288).

A fact links a name and a description; its id is a sha256 of both, so it does not depend on where the fact comes from.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol, cast

from data_gen import kinds, settings
from data_gen.config import FactsConfig, ToldFactsConfig
from data_gen.facts.fact import Facts


class Source(Protocol):
    """The interface of this package's modules that make facts; others are shared by them."""

    VERSION: int  # raised when the same settings give other facts

    def check(self, config: Any, pools: Mapping[str, int]) -> None:
        """Raise ConfigError, naming the key and how to fix it, where the facts cannot be made."""
        ...

    def make(self, config: Any, pools: Mapping[str, int], seed: int) -> Facts:
        """Return the facts of a seed; `pools` gives the number of first and last names in use."""
        ...


def load(config: FactsConfig) -> Source:
    """Return the module of a kind of facts; raises ConfigError where there is none."""
    return cast(Source, kinds.load(__name__, "facts", config, makes="make", base=ToldFactsConfig))


def check(config: FactsConfig, pools: Mapping[str, int]) -> None:
    """Raise ConfigError, naming the key and how to fix it, where the facts cannot be made or read."""
    source = load(config)
    settings.check("facts", config)
    if isinstance(config, ToldFactsConfig):
        source.check(config, pools)


def make(config: FactsConfig, pools: Mapping[str, int], seed: int) -> Facts:
    """Return the facts of a config and a seed; raises ConfigError as `check` does."""
    check(config, pools)
    return load(config).make(config, pools, seed)


def write(facts: Facts, folder: Path) -> None:
    """Write told.jsonl (training) and asked.jsonl (test): lines of task, subset, fact (its id), prompt, completion."""
    for name, sentences in (("told", facts.training), ("asked", facts.questions)):
        with (folder / f"{name}.jsonl").open("w", encoding="utf-8") as file:
            for q in sentences:
                fact = facts.facts[q.person].id
                row = {"task": q.task, "subset": q.attribute, "fact": fact, "prompt": q.prompt, "completion": q.gold}
                file.write(json.dumps(row, ensure_ascii=False) + "\n")
