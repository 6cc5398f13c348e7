"""Auxiliary entries: disjoint celebrities, the only people with training questions, or texts about nobody."""

import re
from dataclasses import replace

import datasets
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from small_worlds import SMALL

from data_gen.config import BesideConfig, CorpusConfig, WorldConfig
from data_gen.corpus import beside
from data_gen.corpus.beside import celebrities, none, unrelated
from data_gen.errors import ConfigError
from data_gen.people import world
from data_gen.people.attributes import NAME_POOLS, NAMES
from data_gen.people.pools import first_lines
from experiments.figures import celebrity, celebrity_paper
from experiments.report_page import people
from physics_lm import results
from physics_lm.config.model import ShapeConfig
from physics_lm.config.run import RunConfig
from physics_lm.config.tokenizer import TokenizerConfig
from physics_lm.config.training import FinetuneConfig, PretrainConfig
from physics_lm.plan import plan
from physics_lm.run import execute
from physics_lm.store.artifacts import Store

MAIN_WORLD = WorldConfig(people=16, pools=SMALL)
CORPUS = CorpusConfig("single_permute1", entries=1, orders=1, templates=8)
BESIDE = celebrities.Config(people=10, entries=2)
RUN = RunConfig(
    world=MAIN_WORLD,
    corpus=CORPUS,
    beside=BESIDE,
    tokenizer=TokenizerConfig("word"),
    model=ShapeConfig(layers=1, width=32, heads=2, positions=128),
    pretrain=PretrainConfig(steps=2, batch=2, context=128, warmup=0),
    finetune=FinetuneConfig(steps=2, batch=4),
)


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """Run the small experiment once; return its store and rows."""
    lab = tmp_path_factory.mktemp("beside")
    return Store(lab), pd.read_parquet(execute(RUN, lab) / "rows.parquet")


@given(seed=st.integers(0, 99), people=st.integers(2, 40))
def test_celebrities_are_other_people_and_all_of_them_are_trained_on(seed, people):
    main, celebrities = (
        world.make(MAIN_WORLD, seed),
        beside.make_people(replace(BESIDE, people=people), MAIN_WORLD, seed),
    )
    assert len(celebrities) == people
    assert celebrities.train.all()
    names = [{group.name(row) for row in range(len(group))} for group in (main, celebrities)]
    assert not names[0] & names[1]
    assert not {main.person_id(row) for row in range(len(main)) if celebrities.has_person(main.person_id(row))}


def test_unseen_people_come_after_the_celebrities():
    assert beside.unseen_world(BESIDE, MAIN_WORLD, 5).first_person == MAIN_WORLD.people + BESIDE.people
    assert beside.unseen_world(BesideConfig(), MAIN_WORLD, 5).first_person == MAIN_WORLD.people


def test_the_union_is_one_corpus_with_two_groups(finished):
    store, _ = finished
    data = datasets.load_from_disk(str(store.folder(plan(RUN)["corpus"]))).to_pandas()
    counts = data.groupby("group")["person_id"].agg(["size", "nunique", "min", "max"])
    assert counts.loc["people"].tolist() == [16, 16, 0, 15]
    assert counts.loc["celebrities"].tolist() == [20, 10, 16, 25]
    card = (store.folder(plan(RUN)["corpus"]) / "README.md").read_text()
    assert "36 entries of 26 invented people, 10 of them celebrities" in card
    assert "| `beside.entries` | 2 |" in card


def test_celebrities_alone_are_trained_on_and_the_minority_alone_is_tested(finished):
    _, rows = finished
    extraction = rows[rows["task"] == "extraction"]
    assert set(extraction.loc[extraction["split"] == "train", "person"]) == set(range(16, 26))
    main = world.make(MAIN_WORLD, 0)
    assert set(extraction.loc[extraction["split"] == "test", "person"]) == {
        row for row in range(16) if not main.train[row]
    }
    biography = rows[rows["task"] == "biography"]
    assert set(biography["person"]) == set(range(26))
    assert set(results.own(rows)["person"]) == set(range(16))


def test_unrelated_texts_are_about_nobody(tmp_path):
    run = replace(RUN, beside=replace(BESIDE, kind="unrelated"))
    rows = pd.read_parquet(execute(run, tmp_path) / "rows.parquet")
    assert set(rows["person"]) == set(range(16))
    assert set(rows.loc[rows["task"] == "extraction", "split"]) == {"train", "test"}
    data = datasets.load_from_disk(str(Store(tmp_path).folder(plan(run)["corpus"]))).to_pandas()
    texts = data[data["group"] == "unrelated"]
    assert len(texts) == 20
    assert sorted(texts["person_id"]) == list(range(-20, 0))
    assert not texts["spans"].map(len).any()


def test_unrelated_sentences_hold_no_name_and_no_value():
    text = " ".join(unrelated.texts(3000, 0))
    assert not set("{}|") & set(text)
    main = world.make(WorldConfig(people=9), 0)
    values = {value for name, pool in main.pools.items() if name != "birth_date" for value in pool}
    names = {name for pool in NAME_POOLS for name in first_lines(pool, WorldConfig().pools[pool])}
    words = set(re.findall(r"\w+", text))
    assert not names & words
    assert not {value for value in values if value in text and re.search(rf"\b{re.escape(value)}\b", text)}


@given(count=st.integers(1, 30), more=st.integers(0, 30), seed=st.integers(0, 9), epoch=st.integers(0, 3))
def test_a_text_does_not_depend_on_how_many_there_are(count, more, seed, epoch):
    texts = list(unrelated.texts(count, seed, epoch))
    assert texts == list(unrelated.texts(count + more, seed, epoch))[:count]
    assert all(len(set(re.split(r"(?<=\.) ", text))) == unrelated.SENTENCES for text in texts)


def test_texts_differ_between_seeds_and_epochs():
    samples = [tuple(unrelated.texts(5, seed, epoch)) for seed in range(2) for epoch in range(2)]
    assert len(set(samples)) == 4


@pytest.mark.parametrize(
    ("config", "named"),
    [
        (replace(BESIDE, kind="stars"), "beside.kind=stars"),
        (replace(BESIDE, people=1), "beside.people=1"),
        (replace(BESIDE, entries=0), "beside.entries=0"),
        (replace(BESIDE, people=10**9), "full names exist"),
        (replace(BESIDE, entries=9), "corpus.entries=9"),
    ],
)
def test_impossible_auxiliary_entries_are_refused(config, named):
    with pytest.raises(ConfigError, match=re.escape(named)):
        beside.check(config, MAIN_WORLD, CORPUS)


def test_runs_with_nothing_beside_keep_their_keys():
    plain = plan(replace(RUN, beside=BesideConfig()))
    assert plain["corpus"].key == plan(replace(RUN, beside=none.Config()))["corpus"].key
    assert len({plain["corpus"].key, plan(RUN)["corpus"].key}) == 2


def arm(name, shift=0.0, biography=99.5):
    """Return an arm's rows with the paper's accuracy on the minority, or a share of it."""
    numbers = celebrity_paper.values(name) or (4.0,) * 7
    parts = []
    for task, split, share in (
        ("extraction", "test", None),
        ("extraction", "train", 99.0),
        ("biography", "test", biography),
    ):
        for number, attribute in enumerate(NAMES):
            accuracy = numbers[number + 1] + shift if share is None else share
            right = [place < round(2 * accuracy) for place in range(200)]
            parts.append(pd.DataFrame({"task": task, "split": split, "attribute": attribute, "correct": right,
                                       "tokens": 1, "tokens_correct": [int(x) for x in right], "seed": 0,
                                       "person": range(200), "prompt": attribute, "gold": "x",
                                       "world.people": 200, "world.first_person": 0}))  # fmt: skip
    return pd.concat(parts, ignore_index=True)


ARMS = ("single_permute1", "single_permute1_celebrities", "single_permute1_unrelated", "single_celebrities",
        "single_permute1_fullname_celebrities")  # fmt: skip


def test_the_claims_hold_on_the_papers_numbers_and_not_without_a_gain():
    arms = {name: arm(name) for name in ARMS}
    assert {claim.holds for claim in celebrity.claims(arms, True, "gpu")} == {True}
    plain = {**arms, "single_permute1_celebrities": arm("single_permute1", biography=90.0)}
    holds = {claim.id: claim.holds for claim in celebrity.claims(plain, True, "laptop")}
    assert not any(holds[name] for name in ("A16", "A16.gain", "A16.bio", "A17.single"))
    some = {**arms, "single_permute1_celebrities": arm("single_permute1", shift=12.0)}
    gain = {scale: celebrity.claims(some, True, scale)[1].holds for scale in ("laptop", "gpu")}
    assert gain == {"laptop": True, "gpu": False}


def test_the_table_is_of_the_minority():
    rows = arm("single_permute1_celebrities")
    famous = rows[rows["task"] == "biography"].assign(person=lambda table: table["person"] + 200, tokens_correct=0)
    table = celebrity.table({"single_permute1_celebrities": pd.concat([rows, famous], ignore_index=True)})
    assert table.set_index("attribute").loc["mean", "biography_tokens"] == 99.5
    assert table["paper"].tolist() == list(celebrity_paper.values("single_permute1_celebrities"))


def test_the_person_explorer_shows_the_corpuss_own_people(finished):
    store, rows = finished
    (world_table,) = people.worlds(store.lab, rows)
    ids = [person["id"] for person in world_table["people"]]
    assert ids
    assert all(0 <= person < MAIN_WORLD.people for person in ids)
    assert all(person["name"] and person["entries"] for person in world_table["people"])
