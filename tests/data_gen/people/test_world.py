"""Worlds: the same people whatever N is, unique names, uniform values, and bad configs refused."""

import itertools
from collections import Counter
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import chi2_contingency
from small_worlds import SMALL, examples, looks_uniform, small_world

from data_gen import errors
from data_gen.config import PAPER_POOLS, WorldConfig
from data_gen.errors import ConfigError
from data_gen.people import pools
from data_gen.people.attributes import NAMES
from data_gen.people.world import PRONOUNS, check, make


@pytest.fixture(scope="module")
def big():
    return make(WorldConfig(people=20_000), seed=3)


PINNED = (
    7,
    "Lillian Stacie Dalton",
    1,
    "test",
    ("May 19, 1908", "Paterson, NJ", "University of Rochester", "Art History", "Microsoft", "Redmond, WA"),
)


def everything(world, row):
    values = tuple(world.value(attribute, row) for attribute in NAMES)
    return world.person_id(row), world.name(row), int(world.pronoun[row]), world.split(row), values


def test_pinned_person():
    # a change here changes every world and every result: give the world step a new version
    world = make(WorldConfig(people=100), seed=0)
    assert everything(world, 7) == PINNED


@examples(25)
@given(st.integers(20, 200), st.integers(0, 100), st.integers(0, 3))
def test_person_is_the_same_in_any_world_of_the_seed(people, first, seed):
    whole = small_world(people=300, seed=seed)
    subset = small_world(people=people, seed=seed, first_person=first)
    for row in {0, people // 2, people - 1}:
        assert everything(subset, row) == everything(whole, first + row)


@examples(15)
@given(st.integers(20, 180), st.integers(0, 5))
def test_two_workers_make_one_world(cut, seed):
    whole = small_world(people=200, seed=seed)
    parts = small_world(cut, seed), small_world(200 - cut, seed, first_person=cut)
    for attribute in NAMES:
        assert np.array_equal(np.concatenate([p.values[attribute] for p in parts]), whole.values[attribute])
    assert np.array_equal(np.concatenate([p.names for p in parts]), whole.names)
    assert np.array_equal(np.concatenate([p.train for p in parts]), whole.train)


def test_full_names_are_unique(big):
    assert len({big.name(row) for row in range(len(big))}) == 20_000


def test_names_stay_unique_when_every_name_is_taken():
    world = small_world(people=4 * 5 * 6, first_name=4, middle_name=5, last_name=6)
    assert len({world.name(row) for row in range(len(world))}) == 120


def test_groups_by_first_person_share_no_name():
    groups = small_world(people=800), small_world(people=800, first_person=800)
    names = [{group.name(row) for row in range(800)} for group in groups]
    assert not names[0] & names[1]
    assert groups[1].person_id(0) == 800


def test_name_is_first_middle_last(big):
    for part, pool in zip(big.name(5).split(" "), ("first_name", "middle_name", "last_name"), strict=True):
        assert part in pools.read_lines(pool)


def test_company_city_is_the_employers_headquarters(big):
    headquarters = dict(line.split(" | ") for line in pools.read_lines("employer"))
    rows = range(0, len(big), 7)
    assert all(big.value("company_city", row) == headquarters[big.value("employer", row)] for row in rows)


def test_small_world_keeps_headquarters():
    world, headquarters = small_world(200), dict(line.split(" | ") for line in pools.read_lines("employer"))
    assert all(world.value("company_city", row) == headquarters[world.value("employer", row)] for row in range(200))


def test_top_company_city_holds_14_percent(big):
    city, count = Counter(big.value("company_city", row) for row in range(len(big))).most_common(1)[0]
    assert city == "New York, NY"
    assert 0.127 < count / len(big) < 0.147  # 36 of 263 is 13.7%, four standard errors are 1%


@pytest.mark.parametrize("attribute", ["birth_city", "university", "major", "employer"])
def test_values_are_uniform(big, attribute):
    assert looks_uniform(np.bincount(big.values[attribute], minlength=len(big.pools[attribute])))


def test_birth_dates_are_uniform_in_month_day_and_year(big):
    dates = [big.value("birth_date", row).replace(",", "").split() for row in range(len(big))]
    for column, size in zip(zip(*dates, strict=True), (12, 28, 200), strict=True):
        counts = Counter(column)
        assert len(counts) == size
        assert looks_uniform(list(counts.values()))


def test_pronouns_are_uniform(big):
    assert looks_uniform(np.bincount(big.pronoun, minlength=len(PRONOUNS)))


def test_attributes_are_independent():
    # two streams with the same draws would show here; the company city follows the employer
    world = small_world(people=1500, city=5, university=6, major=7, employer=8)
    columns = {name: world.values[name] % 9 for name in NAMES if name != "company_city"}
    columns |= {"pronoun": world.pronoun, "train": world.train.astype(int), "last_name": world.names[:, 2]}
    for a, b in itertools.combinations(columns, 2):
        table = np.zeros((columns[a].max() + 1, columns[b].max() + 1))
        np.add.at(table, (columns[a], columns[b]), 1)
        assert chi2_contingency(table).pvalue > 1e-5, (a, b)


@pytest.mark.parametrize("share", [0.1, 0.5, 0.9])
def test_train_share_is_as_configured(share):
    world = make(WorldConfig(people=20_000, train_share=share), seed=1)
    assert abs(world.train.mean() - share) < 0.015


def test_split_sides_share_no_name_and_are_everybody():
    world = small_world(people=500)
    sides = [{world.name(row) for row in range(500) if world.split(row) == side} for side in ("train", "test")]
    assert not sides[0] & sides[1]
    assert len(sides[0]) + len(sides[1]) == 500


def test_split_agrees_with_train(big):
    assert [big.split(row) == "train" for row in range(50)] == big.train[:50].tolist()


def test_seeds_make_other_people():
    first, second = small_world(seed=0), small_world(seed=1)
    assert [first.name(row) for row in range(30)] != [second.name(row) for row in range(30)]
    assert all((first.values[attribute] != second.values[attribute]).any() for attribute in NAMES)
    assert (first.train != second.train).any()


def without(key):
    return {name: size for name, size in PAPER_POOLS.items() if name != key}


BAD = {
    "no people": (dict(people=0), r"world\.people=0"),
    "one person": (dict(people=1), r"world\.people=1"),
    "negative people": (dict(people=-3), r"world\.people=-3"),
    "more people than names": (dict(people=160_000_001), r"world\.people=160000001: only 160000000 full names"),
    "second group beyond the names": (dict(people=10, first_person=159_999_991), r"world\.people=10: only"),
    "more people than few names": (dict(people=2000, pools=SMALL), r"world\.people=2000: only 1728"),
    "negative first person": (dict(first_person=-1), r"world\.first_person=-1"),
    "train share 0": (dict(train_share=0.0), r"world\.train_share=0\.0: must lie"),
    "train share 1": (dict(train_share=1.0), r"world\.train_share=1\.0: must lie"),
    "train share below 0": (dict(train_share=-0.5), r"world\.train_share=-0\.5"),
    "train share above 1": (dict(train_share=1.5), r"world\.train_share=1\.5"),
    "train share not a number": (dict(train_share=float("nan")), r"world\.train_share=nan"),
    "empty train side": (dict(people=20, train_share=1e-6), r"world\.train_share=1e-06.*one side is empty"),
    "empty test side": (dict(people=20, train_share=1 - 1e-6), r"world\.train_share=0\.999999.*one side is empty"),
    "pool left out": (dict(pools=without("major")), r"world\.pools\.major"),
    "unknown pool": (dict(pools={**PAPER_POOLS, "planet": 8}), r"world\.pools\.planet"),
    **{
        f"{what} {key}": (dict(pools={**PAPER_POOLS, key: size}), rf"world\.pools\.{key}={size}")
        for key in PAPER_POOLS
        for what, size in (("empty", 0), ("too large", PAPER_POOLS[key] + 1))
    },
}


@pytest.mark.parametrize("case", BAD)
def test_impossible_config_is_refused_naming_the_key(case):
    changes, message = BAD[case]
    with pytest.raises((ConfigError, errors.PoolError), match=message):
        make(replace(WorldConfig(people=100), **changes), seed=0)


def test_largest_possible_world_passes_the_check():
    check(WorldConfig(people=160_000_000))
