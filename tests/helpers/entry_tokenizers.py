"""Tokenizers and augmentation knobs for the tests of entries as token ids."""

from functools import cache

from hypothesis import strategies as st
from small_worlds import render_entries, small_world

from data_gen.biographies import recipes
from data_gen.config import CorpusConfig
from data_gen.errors import ConfigError
from physics_lm.config.tokenizer import TokenizerConfig
from physics_lm.data import tokenizers

KINDS = ("word", "bpe")


@cache
def tokenizer(kind):
    """Return a tokenizer trained on some of the templates only, so that a word tokenizer lacks words."""
    world = small_world(people=40, seed=9)
    return tokenizers.train(
        TokenizerConfig(kind, 700), [e.text for e in render_entries(world, CorpusConfig(templates=10))]
    )


def allowed(config):
    try:
        recipes.check(config)
    except ConfigError:
        return False
    return True


knobs = st.builds(
    CorpusConfig,
    entries=st.integers(1, 4),
    orders=st.integers(0, 3),
    couple=st.booleans(),
    fullname=st.booleans(),
    reverse=st.sampled_from([0, 0, 1, 2, 6]),
    fresh=st.booleans(),
    templates=st.sampled_from([4, 12, 0]),
).filter(allowed)
