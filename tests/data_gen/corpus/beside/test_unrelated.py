"""The version of unrelated; their entries are tested with the corpus."""

import pins
from small_worlds import small_world

from data_gen.config import CorpusConfig
from data_gen.corpus import beside
from data_gen.corpus.beside import unrelated


def test_the_version_and_its_entries_change_together():
    config, world = unrelated.Config(people=6, entries=2), small_world(12)
    people = beside.make_people(config, world.config, 0)
    made = beside.entries(config, people, CorpusConfig(), 0)
    texts = [[entry.person_id, entry.group, entry.text] for entry in made]
    assert pins.pinned(unrelated, texts) == (1, "eee0a7bf041ce22e")
