"""A corpus on disk: a `datasets` folder with text, person_id, group and spans, and a card."""

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import asdict
from pathlib import Path

import datasets

from data_gen.biographies.biography import Biography, Span
from data_gen.config import BesideConfig, CorpusConfig
from data_gen.people.world import World

NOTHING = BesideConfig()
FEATURES = datasets.Features(
    {
        "text": datasets.Value("string"),
        "person_id": datasets.Value("int64"),
        "group": datasets.Value("string"),
        "spans": datasets.List(
            {"attribute": datasets.Value("string"), "start": datasets.Value("int32"), "end": datasets.Value("int32")}
        ),
    }
)


def write(
    entries: Iterable[Biography], folder: Path, world: World, config: CorpusConfig, more: BesideConfig = NOTHING
) -> None:
    """Write entries as a `datasets` folder with a card. more: what was read beside the world's people."""
    datasets.disable_progress_bars()
    rows = [asdict(entry) for entry in entries]
    data = datasets.Dataset.from_list(rows, features=FEATURES)
    data.save_to_disk(str(folder))
    for cache in folder.glob("cache-*"):
        cache.unlink()
    digest = hashlib.sha256("\n".join(row["text"] for row in rows).encode()).hexdigest()
    (folder / "README.md").write_text(card(world, config, len(rows), digest, more))


def read(folder: Path) -> Iterator[Biography]:
    """Read the entries of a corpus folder, in order."""
    for row in datasets.load_from_disk(str(folder)):
        spans = tuple(Span(**span) for span in row["spans"])
        yield Biography(row["text"], row["person_id"], row["group"], spans)


def card(world: World, config: CorpusConfig, entries: int, digest: str, more: BesideConfig = NOTHING) -> str:
    """Return the dataset card: what it holds, how it was made, its licence and the texts' sha256."""
    fresh = "\nEntries are drawn afresh at every exposure; this folder holds the first epoch.\n" if config.fresh else ""
    knobs = "\n".join(f"| `corpus.{name}` | {value} |" for name, value in asdict(config).items())
    if more.kind != "none":
        knobs += "".join(f"\n| `beside.{name}` | {value} |" for name, value in asdict(more).items())
    told = {"celebrities": f"{len(world) + more.people} invented people, {more.people} of them celebrities",
            "unrelated": f"{len(world)} invented people, and texts that tell of nobody"}  # fmt: skip
    ours = config.kind == "templates"
    origin = "Nobody here is real." if ours else "The texts were written elsewhere; their rights are their writers'."
    return f"""---
license: {"apache-2.0" if ours else "other"}
language: en
tags: [synthetic, biographies]
---
# Synthetic biographies: {config.name}

{entries} entries of {told.get(more.kind, f"{len(world)} invented people")}, seed {world.seed}. {origin}
{fresh}
Columns: `text`; `person_id`; `group`; `spans`, a list of attribute, start and end: `text[start:end]` is the value.

| setting | value |
|---|---|
| entries per person and epoch | {config.entries_per_person} |
{knobs}
| people first to last | {world.config.first_person} to {world.config.first_person + len(world) - 1} |
| pools | {world.config.pools} |
| share of P_train | {world.config.train_share} |
| sha256 of the texts, a line each | `{digest}` |
"""
