"""Auxiliary entries of a corpus: celebrities, or unrelated texts about nobody (Part 3.1, section 4.3)."""

from collections.abc import Iterator
from dataclasses import replace
from typing import TypeGuard

from data_gen import kinds, settings
from data_gen.biographies import recipes, rendering
from data_gen.biographies.biography import Biography
from data_gen.config import AuxiliaryConfig, BesideConfig, CorpusConfig, WorldConfig
from data_gen.corpus import unrelated
from data_gen.errors import ConfigError
from data_gen.people import world
from data_gen.people.world import World

CELEBRITIES, UNRELATED = "celebrities", "unrelated"
FIRST_UNRELATED_ID = -1  # the person id of the first unrelated text; each further text has the id below


def check(config: BesideConfig, main_world: WorldConfig, corpus: CorpusConfig) -> None:
    """Raise ConfigError, naming the key and how to fix it, where the auxiliary entries cannot be made."""
    kinds.load("data_gen.beside", "beside", config)
    settings.check("beside", config)
    if not is_celebrities(config):
        return
    if config.people < 2:
        raise ConfigError(f"beside.people={config.people}: must be 2 or more with beside=celebrities")
    try:
        world.check(celebrity_world(config, main_world))
        recipes.check(celebrity_corpus(config, corpus))
    except ConfigError as error:
        raise ConfigError(f"the celebrities' world or corpus (set by beside.*): {error}") from None


def is_celebrities(config: BesideConfig) -> TypeGuard[AuxiliaryConfig]:
    """Whether the auxiliary entries tell of people."""
    return config.kind == CELEBRITIES


def celebrity_world(config: AuxiliaryConfig, main_world: WorldConfig) -> WorldConfig:
    """Return the config of the celebrities' world; their ids follow those of the main world."""
    return replace(world.disjoint_config(main_world, config.people), group=CELEBRITIES)


def make_celebrities(config: BesideConfig, main_world: WorldConfig, seed: int) -> World | None:
    """Sample the celebrities, all of P_train; return None for other kinds."""
    if not is_celebrities(config):
        return None
    return world.make(celebrity_world(config, main_world), seed, all_train=True)


def unseen_world(config: BesideConfig, main_world: WorldConfig, count: int) -> WorldConfig:
    """Return the config of `count` people who appear nowhere in the corpus; their ids follow all others."""
    last_world = celebrity_world(config, main_world) if is_celebrities(config) else main_world
    return world.disjoint_config(last_world, count)


def celebrity_corpus(config: AuxiliaryConfig, corpus: CorpusConfig) -> CorpusConfig:
    """Return the settings of the celebrities' entries: own augmentation, but the corpus's templates and freshness."""
    augmented = CorpusConfig(CELEBRITIES, config.entries, config.orders, fullname=config.fullname)
    return replace(augmented, fresh=corpus.fresh, templates=corpus.templates)


def entries(
    config: BesideConfig, celebrities: World | None, corpus: CorpusConfig, seed: int, epoch: int = 0
) -> Iterator[Biography]:
    """Yield the auxiliary entries of an epoch; unrelated texts have person ids below 0 and no spans."""
    if not isinstance(config, AuxiliaryConfig):
        return
    augmentation = celebrity_corpus(config, corpus)
    if celebrities is not None:
        yield from rendering.render(celebrities, augmentation, recipes.draw(celebrities, augmentation, epoch))
    else:
        count = config.people * augmentation.entries_per_person
        for number, text in enumerate(unrelated.texts(count, seed, epoch)):
            yield Biography(text, FIRST_UNRELATED_ID - number, UNRELATED, ())
