"""What each cure adds to the facts as they are told."""

from dataclasses import replace

import numpy as np
import pytest

from data_gen import facts
from data_gen.config import FactsConfig
from data_gen.errors import ConfigError
from data_gen.facts import cures

POOLS = {"first_name": 60, "last_name": 120}
CONFIG = FactsConfig(kind="names", count=3, paraphrases=2, held_out=1)
TEXT = "Ada Quill, they say, is the keeper of bees."


@pytest.fixture(scope="module")
def made():
    return facts.make(CONFIG, POOLS, 3)


def test_words_are_reversed_with_their_marks():
    assert cures.words(TEXT) == ". bees of keeper the is , say they , Quill Ada"
    assert cures.words(cures.words(TEXT)) == "Ada Quill , they say , is the keeper of bees ."


def test_entities_keep_their_order():
    spans = [(0, 9), (TEXT.index("the keeper"), len(TEXT) - 1)]
    assert cures.words(TEXT, spans) == ". the keeper of bees is , say they , Ada Quill"


def test_segments_are_in_reversed_order_and_whole_within():
    words = cures.words(cures.words(TEXT)).split()
    for seed in range(20):
        parts = cures.segments(TEXT, 4, np.random.default_rng(seed)).split(f" {cures.MARK} ")
        assert [word for part in reversed(parts) for word in part.split()] == words
        assert all(1 <= len(part.split()) <= 4 for part in parts)
    sizes = {
        len(p.split()) for s in range(40) for p in cures.segments(TEXT, 3, np.random.default_rng(s)).split(cures.MARK)
    }
    assert sizes == {1, 2, 3}


def test_tokens_are_reversed():
    assert cures.tokens([5, 1, 2]) == [2, 1, 5]


def test_every_sentence_told_has_its_reversed_one(made):
    for cure in ("word", "entity", "segment"):
        added = cures.added(replace(CONFIG, cure=cure), made, 3)
        assert len(added) == len(made.told)
        for text, told in zip(added, made.told, strict=True):
            assert sorted(text.replace(cures.MARK, "").split()) == sorted(cures.words(told.text).split())
    for text, told in zip(cures.added(replace(CONFIG, cure="entity"), made, 3), made.told, strict=True):
        fact = made.facts[told.person]
        places = [text.index(fact.name), text.index(fact.descriptions[0])]
        before = [told.text.index(fact.name), told.text.index(fact.descriptions[0])]
        assert (places[0] < places[1]) == (before[0] > before[1])


def test_segments_depend_on_the_seed(made):
    config = replace(CONFIG, cure="segment")
    assert cures.added(config, made, 3) == cures.added(config, made, 3) != cures.added(config, made, 4)


def test_identity_sentences_say_the_same_twice_and_are_as_many(made):
    added = cures.added(replace(CONFIG, cure="identity"), made, 3)
    assert len(added) == len(made.told)
    things = [thing for fact in made.facts for thing in (fact.name, fact.descriptions[0])]
    assert all(any(text.count(thing) == 2 for thing in things) for text in added)
    assert all(sum(text.count(thing) for text in added) >= 2 for thing in things)


@pytest.mark.parametrize("cure", ["none", "token"])
def test_no_cure_and_token_reversal_add_no_text(made, cure):
    assert cures.added(replace(CONFIG, cure=cure), made, 3) == []


@pytest.mark.parametrize(
    ("config", "named"),
    [
        (replace(CONFIG, cure="prayer"), "facts.cure=prayer: choose one of none"),
        (replace(CONFIG, segment=0), "facts.segment=0"),
    ],
)
def test_an_unknown_cure_is_refused(config, named):
    with pytest.raises(ConfigError) as refused:
        cures.check(config)
    assert named in str(refused.value)
    cures.check(replace(CONFIG, segment=1))
