"""The facts: sentences that link a name and a description, and the questions about them (2309.12288)."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from data_gen import facts
from data_gen.config import ToldFactsConfig
from physics_lm.config.run import RunConfig
from physics_lm.store import artifacts
from physics_lm.store.chain import Chain
from physics_lm.subject import Subject
from physics_lm.tracking import Tracker

NAME, OUTPUT, TRAINS = "facts", "facts", False
VERSION = 1


def spec(config: RunConfig, chain: Chain) -> artifacts.Spec | None:
    """Return the spec of the facts, or None where a run has none."""
    if not isinstance(config.facts, ToldFactsConfig):
        return None
    pools = {name: config.world.pools.get(name) for name in ("first_name", "last_name")}
    settings = {"seed": config.seed, "facts": artifacts.of_kind(facts.load(config.facts), config.facts), "pools": pools}
    return artifacts.spec("facts", VERSION, settings)


def check(config: RunConfig) -> None:
    """Raise ConfigError where there are no such facts."""
    facts.check(config.facts, config.world.pools)


def make(subject: Subject, folder: Path, state: Path, tracker: Tracker) -> Mapping[str, Any]:
    """Write the sentences and questions as jsonl, and the texts that a cure adds."""
    data = subject.fact_data
    facts.write(data.facts, folder)
    (folder / "added.txt").write_text("".join(f"{text}\n" for text in data.added_texts), encoding="utf-8")
    return {"facts": len(data.facts.facts), "told": len(data.facts.training), "added": len(data.added_texts)}
