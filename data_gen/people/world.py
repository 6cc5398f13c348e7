"""A world: N people, each with a unique full name, a pronoun and six attributes (Part 3.1, section 2.1)."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from math import prod

import numpy as np
from numpy.typing import NDArray

from data_gen import counter
from data_gen.config import PAPER_POOLS, WorldConfig
from data_gen.errors import ConfigError
from data_gen.people import pools
from data_gen.people.attributes import ATTRIBUTES, NAME_POOLS

Ids = NDArray[np.int64]
PRONOUNS = ("He", "She", "They")


@dataclass(frozen=True)
class World:
    """N people as arrays; row i is person `config.first_person + i`.

    names: (N, 3) indices into the three name pools. pronoun: (N,) index into PRONOUNS.
    values: (N,) indices into `pools[attribute]` for each attribute. train: (N,) membership of P_train.
    """

    config: WorldConfig
    seed: int
    names: Ids
    pronoun: Ids
    values: dict[str, Ids]
    train: NDArray[np.bool_]

    def __len__(self) -> int:
        return self.config.people

    @cached_property
    def pools(self) -> dict[str, Sequence[str]]:
        """The value pool of every attribute."""
        return {attribute.name: attribute.values(self.config.pools) for attribute in ATTRIBUTES}

    @cached_property
    def _name_pools(self) -> list[Sequence[str]]:
        return [pools.first_lines(name, self.config.pools[name]) for name in NAME_POOLS]

    @cached_property
    def split_score(self) -> NDArray[np.float64]:
        """(N,) numbers in [0, 1); people with a score below a share are selected, so smaller shares are nested."""
        return _split_scores(self.seed, np.arange(len(self)) + self.config.first_person)

    def person_id(self, row: int) -> int:
        """Return the person id of a row."""
        return self.config.first_person + row

    def name(self, row: int) -> str:
        """Return the full name of the person in a row, unique in every world of this seed."""
        return " ".join(pool[i] for pool, i in zip(self._name_pools, self.names[row], strict=True))

    def value(self, attribute: str, row: int) -> str:
        """Return the text of one attribute's value of the person in a row."""
        return self.pools[attribute][int(self.values[attribute][row])]

    def split(self, row: int) -> str:
        """Return `train` for a person of P_train, else `test`."""
        return "train" if self.train[row] else "test"

    def has_person(self, person_id: int) -> bool:
        """Return whether the person id belongs to this world."""
        return 0 <= person_id - self.config.first_person < len(self)


def check(config: WorldConfig) -> None:
    """Raise ConfigError or PoolError, naming the key and how to fix it, where the config makes no world."""
    if wrong := sorted(set(config.pools) ^ set(PAPER_POOLS)):
        raise ConfigError(f"world.pools.{wrong[0]}: the pools are {', '.join(PAPER_POOLS)}")
    for attribute in ATTRIBUTES:
        attribute.values(config.pools)
    possible = prod(len(pools.first_lines(name, config.pools[name])) for name in NAME_POOLS)
    if config.people < 2:
        raise ConfigError(f"world.people={config.people}: at least 2 people are needed")
    if config.first_person < 0:
        raise ConfigError(f"world.first_person={config.first_person}: must be 0 or more")
    if config.first_person + config.people > possible:
        raise ConfigError(
            f"world.people={config.people}: only {possible} full names exist; use fewer people or larger world.pools"
        )
    if not 0 < config.train_share < 1:
        raise ConfigError(f"world.train_share={config.train_share}: must lie between 0 and 1, both excluded")


def disjoint_config(config: WorldConfig, people: int) -> WorldConfig:
    """Return the config of `people` people whose ids follow another world's: same pools, other names."""
    return replace(config, first_person=config.first_person + config.people, people=people, train_share=0.5)


def make(config: WorldConfig, seed: int, all_train: bool = False) -> World:
    """Sample the world of one seed; raises ConfigError or PoolError where it cannot be made.

    all_train: put everyone into P_train, whatever `world.train_share` is.
    """
    check(config)
    people = np.arange(config.first_person, config.first_person + config.people)
    values: dict[str, Ids] = {}
    for attribute in ATTRIBUTES:
        if attribute.follows is not None and attribute.derive is not None:
            values[attribute.name] = np.asarray(attribute.derive(config.pools))[values[attribute.follows]]
        else:
            draws = counter.words(seed, f"value/{attribute.name}", people)
            values[attribute.name] = counter.below(draws, len(attribute.values(config.pools)))
    train = _split_scores(seed, people) < (1.0 if all_train else config.train_share)
    if not all_train and (train.all() or not train.any()):
        raise ConfigError(
            f"world.train_share={config.train_share}: with {config.people} people one side is empty; "
            "take more people or a share nearer to a half"
        )
    pronoun = counter.below(counter.words(seed, "pronoun", people), len(PRONOUNS))
    return World(config, seed, _names(config, seed, people), pronoun, values, train)


def _split_scores(seed: int, people: Ids) -> NDArray[np.float64]:
    return counter.unit(counter.words(seed, "split", people))


def _names(config: WorldConfig, seed: int, people: Ids) -> Ids:
    sizes = [config.pools[name] for name in NAME_POOLS]
    index = counter.permute(people, prod(sizes), seed, "name")
    return np.stack(np.unravel_index(index, sizes), axis=1)
