"""What a corpus tells of besides the run's own people, in the same windows: a module for each kind (Part 3.1, 4.3)."""

from collections.abc import Iterator
from typing import Any, Protocol, cast

from data_gen import kinds, settings
from data_gen.biographies.biography import Biography
from data_gen.config import AuxiliaryConfig, BesideConfig, CorpusConfig, WorldConfig
from data_gen.people import world
from data_gen.people.world import World

FIRST_NOBODY_ID = -1  # the person id of the first text about nobody; each further text has the id below


class Source(Protocol):
    """The interface of a module of this package; `none` has a Config alone."""

    VERSION: int  # raised when the same settings give other entries

    def check(self, config: Any, main_world: WorldConfig, corpus: CorpusConfig) -> None:
        """Raise ConfigError, naming the key and how to fix it, where the entries cannot be made."""
        ...

    def people(self, config: Any, main_world: WorldConfig) -> WorldConfig | None:
        """Return the config of the people whom the entries tell of, or None where they tell of nobody."""
        ...

    def entries(
        self, config: Any, people: World | None, corpus: CorpusConfig, seed: int, epoch: int
    ) -> Iterator[Biography]:
        """Yield the entries of an epoch. Those about nobody have person ids from FIRST_NOBODY_ID down, and no spans."""
        ...

    def describe(self, config: Any, own: int) -> str:
        """Return, for the dataset's card, whom the whole corpus tells of. own: the number of the run's own people."""
        ...


def load(config: BesideConfig) -> Source:
    """Return the module of a kind; raises ConfigError where there is none."""
    return cast(Source, kinds.load(__name__, "beside", config, makes="entries", base=AuxiliaryConfig))


def check(config: BesideConfig, main_world: WorldConfig, corpus: CorpusConfig) -> None:
    """Raise ConfigError, naming the key and how to fix it, where the entries cannot be made."""
    source = load(config)
    settings.check("beside", config)
    if isinstance(config, AuxiliaryConfig):
        source.check(config, main_world, corpus)


def people_config(config: BesideConfig, main_world: WorldConfig) -> WorldConfig | None:
    """Return the config of the people whom a corpus tells of besides its own, or None without any."""
    return load(config).people(config, main_world) if isinstance(config, AuxiliaryConfig) else None


def make_people(config: BesideConfig, main_world: WorldConfig, seed: int) -> World | None:
    """Sample the people whom a corpus tells of besides its own, all of P_train; return None without any."""
    more = people_config(config, main_world)
    return world.make(more, seed, all_train=True) if more else None


def unseen_world(config: BesideConfig, main_world: WorldConfig, count: int) -> WorldConfig:
    """Return the config of `count` people who appear nowhere in the corpus; their ids follow all others."""
    return world.disjoint_config(people_config(config, main_world) or main_world, count)


def entries(
    config: BesideConfig, people: World | None, corpus: CorpusConfig, seed: int, epoch: int = 0
) -> Iterator[Biography]:
    """Yield the entries of an epoch; see `Source.entries`."""
    if isinstance(config, AuxiliaryConfig):
        yield from load(config).entries(config, people, corpus, seed, epoch)


def describe(config: BesideConfig, own: int) -> str:
    """Return, for the dataset's card, whom the whole corpus tells of. own: the number of the run's own people."""
    return load(config).describe(config, own) if isinstance(config, AuxiliaryConfig) else f"{own} invented people"
