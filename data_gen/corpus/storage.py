"""A corpus on disk: a `datasets` folder with text, person_id, group and spans, and a dataset card."""

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import asdict
from pathlib import Path

import datasets
from datasets import Features, List, Value

from data_gen.biographies.biography import Biography, Span
from data_gen.config import AuxiliaryConfig, BesideConfig, CorpusConfig
from data_gen.corpus import beside
from data_gen.people.world import World

NONE = BesideConfig()
_SPANS = List({"attribute": Value("string"), "start": Value("int32"), "end": Value("int32")})
FEATURES = Features({"text": Value("string"), "person_id": Value("int64"), "group": Value("string"), "spans": _SPANS})


def write(
    entries: Iterable[Biography], folder: Path, world: World, config: CorpusConfig, auxiliary: BesideConfig = NONE
) -> None:
    """Write entries as a `datasets` folder with a card; `auxiliary` describes the auxiliary entries."""
    datasets.disable_progress_bars()
    rows = [asdict(entry) for entry in entries]
    data = datasets.Dataset.from_list(rows, features=FEATURES)
    data.save_to_disk(str(folder))
    for cache in folder.glob("cache-*"):
        cache.unlink()
    digest = hashlib.sha256("\n".join(row["text"] for row in rows).encode()).hexdigest()
    (folder / "README.md").write_text(card(world, config, len(rows), digest, auxiliary))


def read(folder: Path) -> Iterator[Biography]:
    """Read the entries of a corpus folder, in order."""
    for row in datasets.load_from_disk(str(folder)):
        spans = tuple(Span(**span) for span in row["spans"])
        yield Biography(row["text"], row["person_id"], row["group"], spans)


def card(world: World, config: CorpusConfig, entries: int, digest: str, auxiliary: BesideConfig = NONE) -> str:
    """Return the dataset card: contents, settings, licence and the sha256 of the texts."""
    fresh = "\nEntries are drawn afresh at every exposure; this folder holds the first epoch.\n" if config.fresh else ""
    settings = "\n".join(f"| `corpus.{name}` | {value} |" for name, value in asdict(config).items())
    if isinstance(auxiliary, AuxiliaryConfig):
        settings += "".join(f"\n| `beside.{name}` | {value} |" for name, value in asdict(auxiliary).items())
    invented = config.kind == "templates"
    origin = (
        "Nobody here is real." if invented else "The texts were written elsewhere; their rights are their writers'."
    )
    return f"""---
license: {"apache-2.0" if invented else "other"}
language: en
tags: [synthetic, biographies]
---
# Synthetic biographies: {config.name}

{entries} entries of {beside.describe(auxiliary, len(world))}, seed {world.seed}. {origin}
{fresh}
Columns: `text`; `person_id`; `group`; `spans`, a list of attribute, start and end: `text[start:end]` is the value.

| setting | value |
|---|---|
| entries per person and epoch | {config.entries_per_person} |
{settings}
| people first to last | {world.config.first_person} to {world.config.first_person + len(world) - 1} |
| pools | {world.config.pools} |
| share of P_train | {world.config.train_share} |
| sha256 of the texts, a line each | `{digest}` |
"""
