"""The texts that each cure adds to the training sentences."""

from dataclasses import replace

import numpy as np
import pytest

from data_gen import facts
from data_gen.errors import ConfigError
from data_gen.facts import cures, names

POOLS = {"first_name": 60, "last_name": 120}
CONFIG = names.Config(count=3, paraphrases=2, held_out=1)
TEXT = "Ada Quill, they say, is the keeper of bees."


@pytest.fixture(scope="module")
def fact_set():
    return facts.make(CONFIG, POOLS, 3)


def test_words_are_reversed_with_their_marks():
    assert cures.reverse_words(TEXT) == ". bees of keeper the is , say they , Quill Ada"
    assert cures.reverse_words(cures.reverse_words(TEXT)) == "Ada Quill , they say , is the keeper of bees ."


def test_entities_keep_their_order():
    spans = [(0, 9), (TEXT.index("the keeper"), len(TEXT) - 1)]
    assert cures.reverse_words(TEXT, spans) == ". the keeper of bees is , say they , Ada Quill"


def test_segments_are_in_reversed_order_and_whole_within():
    words = cures.reverse_words(cures.reverse_words(TEXT)).split()
    for seed in range(20):
        segments = cures.reverse_segments(TEXT, 4, np.random.default_rng(seed)).split(f" {cures.SEGMENT_MARK} ")
        assert [word for segment in reversed(segments) for word in segment.split()] == words
        assert all(1 <= len(segment.split()) <= 4 for segment in segments)
    sizes = {
        len(p.split())
        for s in range(40)
        for p in cures.reverse_segments(TEXT, 3, np.random.default_rng(s)).split(cures.SEGMENT_MARK)
    }
    assert sizes == {1, 2, 3}


def test_tokens_are_reversed():
    assert cures.reverse_tokens([5, 1, 2]) == [2, 1, 5]


def test_every_training_sentence_has_its_reversed_one(fact_set):
    for cure in ("word", "entity", "segment"):
        texts = cures.added_texts(replace(CONFIG, cure=cure), fact_set, 3)
        assert len(texts) == len(fact_set.training)
        for text, sentence in zip(texts, fact_set.training, strict=True):
            assert sorted(text.replace(cures.SEGMENT_MARK, "").split()) == sorted(
                cures.reverse_words(sentence.text).split()
            )
    for text, sentence in zip(
        cures.added_texts(replace(CONFIG, cure="entity"), fact_set, 3), fact_set.training, strict=True
    ):
        fact = fact_set.facts[sentence.person]
        places = [text.index(fact.name), text.index(fact.descriptions[0])]
        before = [sentence.text.index(fact.name), sentence.text.index(fact.descriptions[0])]
        assert (places[0] < places[1]) == (before[0] > before[1])


def test_segments_depend_on_the_seed(fact_set):
    config = replace(CONFIG, cure="segment")
    assert (
        cures.added_texts(config, fact_set, 3)
        == cures.added_texts(config, fact_set, 3)
        != cures.added_texts(config, fact_set, 4)
    )


def test_identity_sentences_say_the_same_twice_and_are_as_many(fact_set):
    texts = cures.added_texts(replace(CONFIG, cure="identity"), fact_set, 3)
    assert len(texts) == len(fact_set.training)
    entities = [entity for fact in fact_set.facts for entity in (fact.name, fact.descriptions[0])]
    assert all(any(text.count(entity) == 2 for entity in entities) for text in texts)
    assert all(sum(text.count(entity) for text in texts) >= 2 for entity in entities)


@pytest.mark.parametrize("cure", ["none", "token"])
def test_no_cure_and_token_reversal_add_no_text(fact_set, cure):
    assert cures.added_texts(replace(CONFIG, cure=cure), fact_set, 3) == []


@pytest.mark.parametrize(
    ("config", "named"),
    [
        (replace(CONFIG, cure="prayer"), "facts.cure=prayer: choose none, token"),
        (replace(CONFIG, segment=0), "facts.segment=0"),
    ],
)
def test_an_unknown_cure_is_refused(config, named):
    with pytest.raises(ConfigError) as refused:
        facts.check(config, POOLS)
    assert named in str(refused.value)
    facts.check(replace(CONFIG, segment=1), POOLS)
