"""What is read beside a corpus's own people: celebrities, or texts that tell of nobody (Part 3.1, section 4.3)."""

from collections.abc import Iterator
from dataclasses import replace

from data_gen.biographies import recipes, rendering
from data_gen.biographies.biography import Biography
from data_gen.config import BesideConfig, CorpusConfig, WorldConfig
from data_gen.corpus import unrelated
from data_gen.errors import ConfigError
from data_gen.people import world
from data_gen.people.world import World

KINDS = ("none", "celebrities", "unrelated")
CELEBRITIES, UNRELATED = KINDS[1:]
NOBODY = -1  # the person of the first unrelated text; the next has the id below


def check(config: BesideConfig, ours: WorldConfig, told: CorpusConfig) -> None:
    """Raise ConfigError naming the key and the mend where nothing can be read beside the corpus so."""
    if config.kind not in KINDS:
        raise ConfigError(f"beside.kind={config.kind}: choose one of {', '.join(KINDS)}")
    if config.kind == "none":
        return
    for key, least in (("people", 1 if config.kind == UNRELATED else 2), ("entries", 1), ("orders", 0)):
        if getattr(config, key) < least:
            raise ConfigError(f"beside.{key}={getattr(config, key)}: must be {least} or more")
    if config.kind == UNRELATED:
        return
    try:
        world.check(people(config, ours))
        recipes.check(telling(config, told))
    except ConfigError as error:
        raise ConfigError(f"beside={CELEBRITIES}: for them, {error}") from None


def people(config: BesideConfig, ours: WorldConfig) -> WorldConfig:
    """Return the celebrities' world: those who come after our people."""
    return replace(world.strangers(ours, config.people), group=CELEBRITIES)


def make(config: BesideConfig, ours: WorldConfig, seed: int) -> World | None:
    """Make the celebrities, all of P_train; None where there are none."""
    return world.make(people(config, ours), seed, untested=True) if config.kind == CELEBRITIES else None


def after(config: BesideConfig, ours: WorldConfig, count: int) -> WorldConfig:
    """Return the world of `count` people of whom nothing is read: they come after everyone else."""
    return world.strangers(people(config, ours) if config.kind == CELEBRITIES else ours, count)


def telling(config: BesideConfig, told: CorpusConfig) -> CorpusConfig:
    """Return how celebrities are told: in their own way, with the corpus's templates, as fresh as its entries."""
    return CorpusConfig(
        CELEBRITIES, config.entries, config.orders, fullname=config.fullname, fresh=told.fresh, templates=told.templates
    )


def entries(
    config: BesideConfig, others: World | None, told: CorpusConfig, seed: int, epoch: int = 0
) -> Iterator[Biography]:
    """Yield what is read beside the corpus in an epoch; texts that tell of nobody have ids below 0 and no spans."""
    how = telling(config, told)
    if others is not None:
        yield from rendering.render(others, how, recipes.draw(others, how, epoch))
    elif config.kind == UNRELATED:
        count = config.people * how.entries_per_person
        for number, text in enumerate(unrelated.texts(count, seed, epoch)):
            yield Biography(text, NOBODY - number, UNRELATED, ())
