"""Small worlds, their entries and sentences, and a word tokenizer, for the tests of data_gen."""

import re
from collections.abc import Sequence

import numpy as np
from hypothesis import settings
from scipy.stats import chisquare

from data_gen.biographies import recipes, rendering
from data_gen.config import CorpusConfig, WorldConfig
from data_gen.people.world import make

SMALL = {
    "first_name": 12, "middle_name": 12, "last_name": 12, "year": 10,
    "city": 20, "university": 25, "major": 15, "employer": 30,
}  # fmt: skip


def small_world(people=30, seed=0, first_person=0, group="people", **pools):
    return make(WorldConfig(people=people, pools=SMALL | pools, first_person=first_person, group=group), seed)


def render_entries(world, config, epoch=0, rows=None):
    return list(rendering.render(world, config, recipes.draw(world, config, epoch, rows)))


def sentences_of(entry):
    # names and values hold no full stop (test_pools), so a full stop ends a sentence
    return [sentence.strip() + "." for sentence in entry.text.split(".")[:-1]]


def by_person(entries):
    people: dict[int, list] = {}
    for entry in entries:
        people.setdefault(entry.person_id, []).append(entry)
    return people


def words(text):
    """Return the tokens of a well-behaved tokenizer: words with their leading space, and single punctuation marks."""
    return re.findall(r" \w+|[^\w\s]", f" {text}")


def looks_uniform(counts: Sequence[int] | np.ndarray) -> bool:
    # seeds are fixed, so the loose limit never flickers; a real skew gives p far below it
    return chisquare(counts).pvalue > 1e-4


def examples(number):
    return settings(max_examples=number, deadline=None, derandomize=True)


SINGLE = CorpusConfig("single", entries=1, orders=0)
