"""Celebrities: other people of the same pools. All questions about them are trained on, and none about the others."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

from data_gen.biographies import recipes, rendering
from data_gen.biographies.biography import Biography
from data_gen.config import AuxiliaryConfig, CorpusConfig, WorldConfig
from data_gen.errors import ConfigError
from data_gen.people import world
from data_gen.people.world import World
from data_gen.settings import kind, setting

VERSION = 1
GROUP = "celebrities"


@dataclass(frozen=True)
class Config(AuxiliaryConfig):
    """people: number of celebrities. fullname: as in CorpusConfig."""

    kind: str = kind("celebrities")
    people: int = setting(100_000, least=2)


def check(config: Config, main_world: WorldConfig, corpus: CorpusConfig) -> None:
    """Raise ConfigError, naming the key and how to fix it, where there are no such people or entries."""
    try:
        world.check(people(config, main_world))
        recipes.check(augmentation(config, corpus))
    except ConfigError as error:
        raise ConfigError(f"the celebrities' world or corpus (set by beside.*): {error}") from None


def people(config: Config, main_world: WorldConfig) -> WorldConfig:
    """Return the config of the celebrities' world; their ids follow those of the main world."""
    return replace(world.disjoint_config(main_world, config.people), group=GROUP)


def augmentation(config: Config, corpus: CorpusConfig) -> CorpusConfig:
    """Return the settings of the celebrities' entries: own augmentation, but the corpus's templates and freshness."""
    augmented = CorpusConfig(GROUP, config.entries, config.orders, fullname=config.fullname)
    return replace(augmented, fresh=corpus.fresh, templates=corpus.templates)


def entries(config: Config, people: World, corpus: CorpusConfig, seed: int, epoch: int) -> Iterator[Biography]:
    """Yield the celebrities' entries of an epoch."""
    augmented = augmentation(config, corpus)
    return rendering.render(people, augmented, recipes.draw(people, augmented, epoch))


def describe(config: Config, own: int) -> str:
    """Return whom the whole corpus tells of."""
    return f"{own + config.people} invented people, {config.people} of them celebrities"
