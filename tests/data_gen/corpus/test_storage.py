"""Corpora on disk: plain datasets folders that come back as they were written."""

import hashlib

import datasets
import pytest
from small_worlds import render_entries, small_world

from data_gen.config import CorpusConfig
from data_gen.corpus import storage
from data_gen.people.attributes import NAMES

CONFIG = CorpusConfig("multi3_permute2", entries=3, orders=2)


@pytest.fixture(scope="module")
def world():
    return small_world(20, seed=4, first_person=100, group="celebrities")


@pytest.fixture(scope="module")
def entries(world):
    return render_entries(world, CONFIG)


@pytest.fixture(scope="module")
def folder(tmp_path_factory, world, entries):
    path = tmp_path_factory.mktemp("lab") / "corpus"
    storage.write(iter(entries), path, world, CONFIG)
    return path


def test_plain_datasets_opens_the_folder(folder, world):
    data = datasets.load_from_disk(str(folder))
    assert data.column_names == ["text", "person_id", "group", "spans"]
    assert len(data) == 20 * 6
    assert set(data["group"]) == {"celebrities"}
    assert set(data["person_id"]) == set(range(100, 120))


def test_spans_hold_the_values_when_read_by_plain_datasets(folder, world):
    for row in datasets.load_from_disk(str(folder)):
        values = {span["attribute"]: row["text"][span["start"] : span["end"]] for span in row["spans"]}
        assert values == {name: world.value(name, row["person_id"] - 100) for name in NAMES}


def test_read_gives_back_what_was_written(folder, entries):
    assert list(storage.read(folder)) == entries


def test_nothing_but_the_data_set_and_its_card_is_left(folder):
    assert not list(folder.glob("cache-*"))
    assert {path.suffix for path in folder.iterdir()} == {".arrow", ".json", ".md"}


def test_card_holds_sha256_and_counts(folder, entries):
    card = (folder / "README.md").read_text()
    digest = hashlib.sha256("\n".join(entry.text for entry in entries).encode()).hexdigest()
    assert digest in card
    assert "120 entries of 20 invented people, seed 4" in card
    assert "| entries per person and epoch | 6 |" in card
    assert "| people first to last | 100 to 119 |" in card


def test_same_entries_make_the_same_rows(folder, world, entries, tmp_path):
    # the step's key does not hold the time, so neither may the data
    storage.write(entries, tmp_path / "again", world, CONFIG)
    assert (tmp_path / "again" / "README.md").read_text() == (folder / "README.md").read_text()
    arrows = [next(path.glob("*.arrow")).read_bytes() for path in (folder, tmp_path / "again")]
    assert arrows[0] == arrows[1]


def test_only_a_fresh_corpus_says_that_it_is_one_epoch(world):
    cards = [storage.card(world, CorpusConfig("x", fresh=fresh), 1, "0") for fresh in (False, True)]
    assert ["first epoch" in card for card in cards] == [False, True]


def test_column_types_are_fixed(folder):
    # the literal types, so that a change of FEATURES is a decision
    features = datasets.load_from_disk(str(folder)).features
    assert features["person_id"].dtype == "int64"
    assert features["text"].dtype == features["group"].dtype == "string"
    assert {name: kind.dtype for name, kind in features["spans"].feature.items()} == {
        "attribute": "string",
        "start": "int32",
        "end": "int32",
    }
