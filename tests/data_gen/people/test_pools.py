"""Value pools: sizes of the paper, frozen files, and first lines that keep the shape of the whole."""

import shutil
from collections import Counter

import pytest

from data_gen import errors
from data_gen.config import PAPER_POOLS
from data_gen.people import pools
from data_gen.people.attributes import NAME_POOLS

LISTED = sorted(set(PAPER_POOLS) - {"year"})


@pytest.fixture
def copied(tmp_path, monkeypatch):
    folder = tmp_path / "pools"
    shutil.copytree(pools.FOLDER, folder)
    monkeypatch.setattr(pools, "FOLDER", folder)
    clear()
    yield folder
    clear()


def clear():
    for cached in (pools.read_lines, pools._checksums, pools.employers):
        cached.cache_clear()


def test_sizes_are_the_papers():
    sizes = {name: len(set(pools.read_lines(name))) for name in LISTED}
    assert sizes == {
        "first_name": 400,
        "middle_name": 400,
        "last_name": 1000,
        "city": 200,
        "university": 300,
        "major": 100,
        "employer": 263,
    }


def test_paper_pools_use_whole_files():
    assert all(len(pools.read_lines(name)) == PAPER_POOLS[name] for name in LISTED)


def test_birth_dates_are_12_months_of_28_days_in_200_years():
    dates = pools.dates(200)
    assert len(dates) == len(set(dates)) == 67_200
    assert dates[0] == "January 1, 1900"
    assert dates[len(dates) - 1] == "December 28, 2099"


def test_fewer_years_are_the_first_ones():
    assert {text.split(", ")[1] for text in pools.dates(3)} == {"1900", "1901", "1902"}
    assert len(set(pools.dates(3))) == 3 * 336


def test_dates_slice_like_a_list():
    assert pools.dates(2)[3:9:2] == list(pools.dates(2))[3:9:2]
    with pytest.raises(IndexError):
        pools.dates(2)[672]


@pytest.mark.parametrize("name", LISTED)
def test_altered_file_is_refused(copied, name):
    path = copied / f"{name}.txt"
    path.write_bytes(path.read_bytes().replace(b"a", b"e", 1))
    with pytest.raises(errors.PoolError, match=rf"{name}\.txt is not the frozen file"):
        pools.first_lines(name, 1)


def test_reordered_file_is_refused(copied):
    path = copied / "city.txt"
    path.write_text("".join(reversed(path.read_text().splitlines(keepends=True))))
    with pytest.raises(errors.PoolError, match="not the frozen file"):
        pools.read_lines("city")


def test_untouched_copy_is_accepted(copied):
    assert len(pools.read_lines("city")) == 200


def test_missing_pool_is_refused_with_the_known_ones():
    with pytest.raises(errors.PoolError, match=r"no pool file planet\.txt.*city\.txt"):
        pools.read_lines("planet")


@pytest.mark.parametrize("name", LISTED)
def test_impossible_size_names_the_key(name):
    most = PAPER_POOLS[name]
    for size in (0, -1, most + 1):
        with pytest.raises(errors.PoolError, match=rf"world\.pools\.{name}={size}: .*1 and {most}"):
            pools.first_lines(name, size)


@pytest.mark.parametrize("size", [0, 201])
def test_impossible_number_of_years_names_the_key(size):
    with pytest.raises(errors.PoolError, match=rf"world\.pools\.year={size}"):
        pools.dates(size)


def test_headquarters_are_skewed_as_in_the_paper():
    names, cities, city_index = pools.employers(263)
    assert len(set(names)) == 263
    assert len(cities) == len(set(cities)) == 133
    common = Counter(cities[i] for i in city_index).most_common(4)
    assert common[0] == ("New York, NY", 36)
    assert dict(common[1:3]) == {"Houston, TX": 11, "Atlanta, GA": 11}
    assert common[3][1] < 11


def test_first_employers_keep_the_top_city():
    cities = [line.split(" | ")[1] for line in pools.read_lines("employer")]
    for k in set(range(14, 264)) - {17, 18}:
        counts = Counter(cities[:k])
        assert counts["New York, NY"] == max(counts.values()), k
        assert 0.12 <= counts["New York, NY"] / k <= 0.165, k


def test_laptop_employers_stand_in_30_cities():
    assert len(pools.employers(50)[1]) == 30


def test_fewer_employers_keep_their_headquarters():
    whole = dict(line.split(" | ") for line in pools.read_lines("employer"))
    names, cities, city_index = pools.employers(50)
    assert {name: cities[i] for name, i in zip(names, city_index, strict=True)} == {n: whole[n] for n in names}


def test_first_universities_keep_the_shared_first_word():
    first_words = [line.split()[0] for line in pools.read_lines("university")]
    for k in range(20, 301):
        assert 0.33 <= first_words[:k].count("University") / k <= 0.41, k


def test_some_of_60_universities_share_three_words():
    prefixes = Counter(tuple(line.split()[:3]) for line in pools.first_lines("university", 60))
    assert prefixes.most_common(1)[0][1] >= 2


def test_values_are_plain_and_without_full_stop():
    # a full stop inside a value would end the answer early and break the sentence rule
    for name in LISTED:
        for line in pools.read_lines(name):
            assert line.isascii()
            assert "." not in line
            assert line == " ".join(line.split())


def test_name_lists_are_disjoint_single_words():
    # so no part of a full name can be mistaken for another part
    names = [line for pool in NAME_POOLS for line in pools.read_lines(pool)]
    assert len(set(names)) == len(names) == 1800
    assert not [name for name in names if " " in name]


@pytest.mark.parametrize("name", ["city", "university", "major", "employer"])
def test_no_value_begins_another(name):
    # else the shorter one is a right answer's beginning
    values = sorted(line.split(" | ")[0] for line in pools.read_lines(name))
    assert not [pair for pair in zip(values, values[1:], strict=False) if pair[1].startswith(pair[0] + " ")]
