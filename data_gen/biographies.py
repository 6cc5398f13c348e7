"""Biographies: a recipe per entry is drawn first and rendered after (Part 3.1, section 2.2).

A recipe says for each sentence which attribute it tells, by which template, and whether its subject is
the full name. So permuting is a shuffle of recipes, and every value has an exact character span.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from data_gen import counter, pools, sentences
from data_gen.attributes import ATTRIBUTES, NAME_POOLS, NAMES
from data_gen.config import ConfigError, CorpusConfig
from data_gen.world import PRONOUNS, World

Array = NDArray[np.int64]


@dataclass(frozen=True)
class Span:
    """Where in an entry's text [start, end) one attribute's value stands."""

    attribute: str
    start: int
    end: int


@dataclass(frozen=True)
class Biography:
    """One entry: its text, whom it tells of, and a span per value in text order."""

    text: str
    person_id: int
    group: str
    spans: tuple[Span, ...]


@dataclass(frozen=True)
class Recipes:
    """Recipes of E entries with S sentences each.

    row: (E,) row of the person in the world. attribute, template: (E, S) indices by sentence position.
    fullname: (E, S) whether the sentence's subject is the full name.
    """

    row: Array
    attribute: Array
    template: Array
    fullname: NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.row)


def check(config: CorpusConfig) -> None:
    """Raise ConfigError naming the key and the mend where the knobs contradict each other."""
    if config.entries < 1 or config.orders < 0:
        raise ConfigError("corpus.entries must be 1 or more and corpus.orders 0 or more")
    templates = sentences.available(config.templates)
    if not config.fresh and config.entries > templates:
        raise ConfigError(
            f"corpus.entries={config.entries}: a fixed set of differing entries needs as many templates, "
            f"and there are {templates}; lower corpus.entries, raise corpus.templates, or set corpus.fresh=true"
        )


def draw(world: World, config: CorpusConfig, epoch: int = 0, rows: Array | None = None) -> Recipes:
    """Draw the recipes of one epoch, person by person; E = people x `config.entries_per_person`.

    Only a fresh corpus depends on `epoch`. `rows` restricts to some people without changing their entries.
    """
    check(config)
    rows = np.arange(len(world)) if rows is None else rows
    shape = (len(rows), config.entries, max(1, config.orders), len(NAMES))
    offset = epoch * config.entries if config.fresh else 0
    person = (rows + world.config.first_person).reshape(-1, 1, 1, 1)
    entry = offset + np.arange(config.entries).reshape(1, -1, 1, 1)
    order = np.arange(shape[2]).reshape(1, 1, -1, 1)
    number = np.arange(len(NAMES)).reshape(1, 1, 1, -1)

    told = np.broadcast_to(number, shape)
    if config.orders:
        told = np.argsort(counter.words(world.seed, "order", person, entry, order, number), axis=-1)
    template = np.broadcast_to(_templates(world.seed, config, person, entry, number), shape)
    return Recipes(
        row=np.repeat(rows, config.entries_per_person),
        attribute=told.reshape(-1, len(NAMES)),
        template=np.take_along_axis(template, told, -1).reshape(-1, len(NAMES)),
        fullname=np.broadcast_to((number == 0) | config.fullname, shape).reshape(-1, len(NAMES)),
    )


def _templates(seed: int, config: CorpusConfig, person: Array, entry: Array, number: Array) -> Array:
    """Draw a template for each person, entry and attribute; in a fixed set the entries' all differ."""
    counts = np.array([len(sentences.first(name, config.templates)) for name in NAMES])
    if config.fresh:
        return counter.below(counter.words(seed, "template", person, entry, number), counts)
    keys = counter.words(seed, "template", person, np.arange(counts.max()).reshape(1, -1, 1, 1), number)
    keys = np.where(np.arange(counts.max()).reshape(1, -1, 1, 1) < counts, keys, ~np.uint64(0))
    return np.argsort(keys, axis=1)[:, : entry.shape[1]]


def render(world: World, config: CorpusConfig, recipes: Recipes) -> Iterator[Biography]:
    """Render recipes as text, in their order."""
    templates = [sentences.first(name, config.templates) for name in NAMES]
    for entry in range(len(recipes)):
        row = int(recipes.row[entry])
        name, pronoun = world.name(row), PRONOUNS[world.pronoun[row]]
        text, spans = "", []
        for told, number, full in zip(
            recipes.attribute[entry], recipes.template[entry], recipes.fullname[entry], strict=True
        ):
            attribute = NAMES[told]
            sentence = templates[told][number].render(name if full else pronoun, world.value(attribute, row), pronoun)
            start = len(text) + bool(text)
            text = f"{text} {sentence.text}" if text else sentence.text
            spans.append(Span(attribute, start + sentence.value[0], start + sentence.value[1]))
        yield Biography(text, world.person(row), world.config.group, tuple(spans))


def lexicon(world: World, config: CorpusConfig) -> Iterator[str]:
    """Yield every template in use and every name and listed value, so that no exposure holds an unknown word.

    Vocabularies made from it do not depend on the seed or the augmentation.
    """
    for attribute in ATTRIBUTES:
        values = world.pools[attribute.name]
        yield from values
        for template in sentences.first(attribute.name, config.templates):
            yield from (template.render(pronoun, values[0], pronoun).text for pronoun in PRONOUNS)
    for name in NAME_POOLS:
        yield from pools.first(name, world.config.pools[name])
