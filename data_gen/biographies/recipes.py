"""Recipes of biographies: the sampler draws one per entry, and `rendering` makes text of it (Part 3.1, section 2.2).

A recipe gives for each sentence its attribute, its template, and the form of its subject.
So permuting is a shuffle of recipes, and every value has an exact character span.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from data_gen import counter, settings
from data_gen.biographies import sentence_templates
from data_gen.config import CorpusConfig
from data_gen.errors import ConfigError
from data_gen.people.attributes import NAMES
from data_gen.people.world import World

Array = NDArray[np.int64]
PRONOUN, NAME, PERSON = range(3)  # the forms of a sentence's subject


@dataclass(frozen=True)
class Recipes:
    """Recipes of E entries with S sentences each.

    row: (E,) row of the person in the world. attribute, template: (E, S) indices by sentence position.
    subject: (E, S) PRONOUN, NAME or PERSON. closing: (E,) template of the last sentence, which holds the name;
    -1 where there is none.
    """

    row: Array
    attribute: Array
    template: Array
    subject: Array
    closing: Array

    def __len__(self) -> int:
        return len(self.row)


def check(config: CorpusConfig) -> None:
    """Raise ConfigError, naming the key and how to fix it, where the settings contradict each other."""
    settings.check("corpus", config)
    if config.kind == "folder" and not config.path:
        raise ConfigError("corpus.path=: corpus=folder reads entries from a folder; name it")
    if config.kind != "folder" and config.path:
        raise ConfigError(f"corpus.path={config.path}: given with corpus=folder, and with nothing else")
    if config.kind == "folder" and config.fresh:
        raise ConfigError("corpus.fresh=true: entries of a folder cannot be drawn anew; set it to false")
    for name in ("couple", "fullname", "reverse"):
        if config.kind == "folder" and (value := getattr(config, name)):
            raise ConfigError(f"corpus.{name}={value}: corpus=folder has no such setting; the entries are as they are")
    if config.reverse > len(NAMES):
        raise ConfigError(f"corpus.reverse={config.reverse}: between 0 and {len(NAMES)} sentences before the name")
    if config.reverse and config.fullname:
        raise ConfigError("corpus.reverse tells the name late and corpus.fullname in every sentence: choose one")
    if config.couple and (not config.orders or len(NAMES) % 2):
        raise ConfigError("corpus.couple shuffles pairs of sentences: set corpus.orders to 1 or more")
    templates = sentence_templates.fewest_templates(config.templates)
    if not config.fresh and config.entries > templates:
        raise ConfigError(
            f"corpus.entries={config.entries}: a fixed set of differing entries needs as many templates, "
            f"and there are {templates}; lower corpus.entries, raise corpus.templates, or set corpus.fresh=true"
        )


def draw(world: World, config: CorpusConfig, epoch: int = 0, rows: Array | None = None) -> Recipes:
    """Draw the recipes of one epoch, person by person; E = people x `config.entries_per_person`.

    Only a fresh corpus depends on `epoch`. `rows` selects some people; their entries stay the same.
    """
    check(config)
    rows = np.arange(len(world)) if rows is None else rows
    shape = (len(rows), config.entries, max(1, config.orders), len(NAMES))
    offset = epoch * config.entries if config.fresh else 0
    person = (rows + world.config.first_person).reshape(-1, 1, 1, 1)
    entry = offset + np.arange(config.entries).reshape(1, -1, 1, 1)
    order = np.arange(shape[2]).reshape(1, 1, -1, 1)
    number = np.arange(len(NAMES)).reshape(1, 1, 1, -1)

    attribute = np.broadcast_to(number, shape)
    if config.orders:
        unit = number // 2 if config.couple else number  # sentences of one unit stay together in a shuffle
        attribute = np.argsort(counter.words(world.seed, "order", person, entry, order, unit), axis=-1, kind="stable")
    template = np.broadcast_to(_templates(world.seed, config, person, entry, number), shape)
    closings = len(sentence_templates.load(sentence_templates.CLOSING))
    closing = counter.below(counter.words(world.seed, "closing", person, entry, order), closings)
    return Recipes(
        row=np.repeat(rows, config.entries_per_person),
        attribute=attribute.reshape(-1, len(NAMES)),
        template=np.take_along_axis(template, attribute, -1).reshape(-1, len(NAMES)),
        subject=np.broadcast_to(subject_forms(config), shape).reshape(-1, len(NAMES)),
        closing=np.where(config.reverse == len(NAMES), closing, -1).reshape(-1),
    )


def subject_forms(config: CorpusConfig) -> Array:
    """Return the subject's form by sentence position (PRONOUN, NAME or PERSON), shape (S,)."""
    forms = np.full(len(NAMES), NAME if config.fullname else PRONOUN)
    forms[0] = PERSON if config.reverse else NAME
    if 0 < config.reverse < len(NAMES):
        forms[config.reverse] = NAME
    return forms


def _templates(seed: int, config: CorpusConfig, person: Array, entry: Array, number: Array) -> Array:
    """Draw a template for each person, entry and attribute; outside a fresh corpus a person's entries all differ."""
    counts = np.array([len(sentence_templates.load_first(name, config.templates)) for name in NAMES])
    if config.fresh:
        return counter.below(counter.words(seed, "template", person, entry, number), counts)
    # the templates are the last axis, where the search for the smallest keys is fastest
    index = np.arange(counts.max())
    keys = counter.words(seed, "template", person[:, 0], index, number.reshape(1, -1, 1))
    keys[:, index >= counts[:, None]] = ~np.uint64(0)
    return np.moveaxis(_smallest(keys, entry.shape[1]), -1, 1)[:, :, None]


def _smallest(keys: counter.Words, count: int) -> Array:
    """Return the positions of the `count` smallest keys along the last axis, the smallest first."""
    if count > 8:  # for fewer, one search each is faster than sorting
        return np.argsort(keys, axis=-1)[..., :count]
    positions = np.empty((*keys.shape[:-1], count), np.int64)
    for rank in range(count):
        positions[..., rank] = smallest = keys.argmin(-1)
        np.put_along_axis(keys, smallest[..., None], ~np.uint64(0), -1)
    return positions
