"""Counter-based draws: each depends on seed, stream and index alone, and they look random."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import kstest
from small_worlds import examples, looks_uniform

from data_gen import counter

SEEDS = st.integers(0, 2**32 - 1)
MANY = np.arange(100_000)


def test_mix_is_splitmix64():
    # first outputs of the published generator from state 0
    states = np.array([1, 2], np.uint64) * np.uint64(0x9E3779B97F4A7C15)
    assert counter.mix(states).tolist() == [0xE220A8397B1DCDAF, 0x6E789E6AA1B965F4]


@examples(60)
@given(st.integers(1, 3000), SEEDS)
def test_permute_is_a_bijection(size, seed):
    out = counter.permute(np.arange(size), size, seed, "x")
    assert sorted(out) == list(range(size))


@examples(40)
@given(st.integers(1, 160_000_000), SEEDS, st.data())
def test_permute_of_one_index_does_not_depend_on_the_others(size, seed, data):
    index = np.array(data.draw(st.lists(st.integers(0, size - 1), min_size=1, max_size=20)))
    together = counter.permute(index, size, seed, "x")
    singly = [counter.permute(np.array([i]), size, seed, "x")[0] for i in index]
    assert together.tolist() == singly


@pytest.mark.parametrize("index", [-1, 10])
def test_permute_refuses_indices_outside(index):
    with pytest.raises(ValueError, match="outside"):
        counter.permute(np.array([0, index]), 10, 0, "x")


def test_permute_leaves_its_argument_alone():
    index = np.arange(50)
    counter.permute(index, 50, 0, "x")
    assert index.tolist() == list(range(50))


def test_permutations_spread_first_indices_over_the_range():
    # people 0, 1, 2... must not have neighbouring names
    out = counter.permute(np.arange(20_000), 160_000_000, 5, "x")
    assert looks_uniform(np.bincount(out // 1_600_000, minlength=100))


def test_permute_differs_by_seed_and_stream():
    ways = [(0, "x"), (1, "x"), (0, "y")]
    outs = {tuple(counter.permute(np.arange(200), 200, *way)) for way in ways}
    assert len(outs) == 3


@examples(40)
@given(SEEDS, st.lists(st.integers(0, 10**9), min_size=1, max_size=20))
def test_a_draw_does_not_depend_on_the_others(seed, index):
    together = counter.words(seed, "x", np.array(index))
    assert together.tolist() == [counter.words(seed, "x", np.array([i]))[0] for i in index]


def test_words_broadcast_their_indices():
    grid = counter.words(3, "x", np.arange(4).reshape(-1, 1), np.arange(5))
    assert grid.shape == (4, 5)
    assert grid[2, 3] == counter.words(3, "x", np.array([2]), np.array([3]))[0]


def test_words_tell_apart_seed_stream_and_place_of_an_index():
    first, second = np.array([1]), np.array([2])
    draws = [
        counter.words(0, "x", first, second),
        counter.words(0, "x", second, first),
        counter.words(0, "y", first, second),
        counter.words(1, "x", first, second),
        counter.words(0, "x", first),
        counter.words(0, "x", first, np.array([0])),
    ]
    assert len({int(draw[0]) for draw in draws}) == len(draws)


@examples(100)
@given(st.integers(1, 2**31 - 1), SEEDS)
def test_below_stays_below(bound, seed):
    draws = np.concatenate([counter.words(seed, "x", np.arange(50)), np.array([0, 2**64 - 1], np.uint64)])
    out = counter.below(draws, bound)
    assert out.min() == 0
    assert out.max() == bound - 1


def test_below_takes_a_bound_per_element():
    out = counter.below(np.full(3, 2**64 - 1, np.uint64), np.array([1, 20, 300]))
    assert out.tolist() == [0, 19, 299]


@pytest.mark.parametrize("bound", [2, 7, 200, 263])
def test_below_is_uniform(bound):
    counts = np.bincount(counter.below(counter.words(11, "x", MANY), bound), minlength=bound)
    assert looks_uniform(counts)


def test_unit_is_uniform_and_below_one():
    units = counter.unit(counter.words(11, "x", MANY))
    assert kstest(units, "uniform").pvalue > 1e-4
    assert counter.unit(np.array([2**64 - 1], np.uint64))[0] < 1


@pytest.mark.parametrize("other", [(0, "x", 1), (1, "x", 0), (0, "y", 0)], ids=["next index", "next seed", "stream"])
def test_neighbouring_draws_are_uncorrelated(other):
    seed, stream, shift = other
    here = counter.unit(counter.words(0, "x", MANY))
    there = counter.unit(counter.words(seed, stream, MANY + shift))
    assert abs(np.corrcoef(here, there)[0, 1]) < 0.015
