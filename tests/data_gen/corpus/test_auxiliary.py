"""What is read beside a corpus: disjoint celebrities whose questions alone are trained on, or texts about nobody."""

import re
from dataclasses import replace

import datasets
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from small_worlds import SMALL

from data_gen.config import BesideConfig, CorpusConfig, WorldConfig
from data_gen.corpus import auxiliary, unrelated
from data_gen.errors import ConfigError
from data_gen.people import world
from data_gen.people.attributes import NAME_POOLS, NAMES
from data_gen.people.pools import first
from experiments.figures import celebrity, celebrity_paper
from experiments.report_page import people
from physics_lm import plan, results
from physics_lm import run as pipeline
from physics_lm.config.model import ModelConfig
from physics_lm.config.run import RunConfig
from physics_lm.config.tokenizer import TokenizerConfig
from physics_lm.config.training import FinetuneConfig, PretrainConfig
from physics_lm.store.artifacts import Store

OURS = WorldConfig(people=16, pools=SMALL)
TOLD = CorpusConfig("single_permute1", entries=1, orders=1, templates=8)
BESIDE = BesideConfig("celebrities", people=10, entries=2)
RUN = RunConfig(
    world=OURS,
    corpus=TOLD,
    beside=BESIDE,
    tokenizer=TokenizerConfig("word"),
    model=ModelConfig(layers=1, width=32, heads=2, positions=128),
    pretrain=PretrainConfig(steps=2, batch=2, context=128, warmup=0),
    finetune=FinetuneConfig(steps=2, batch=4),
)


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    lab = tmp_path_factory.mktemp("beside")
    return Store(lab), pd.read_parquet(pipeline.run(RUN, lab) / "rows.parquet")


@given(seed=st.integers(0, 99), people=st.integers(2, 40))
def test_celebrities_are_other_people_and_all_of_them_are_trained_on(seed, people):
    ours, others = world.make(OURS, seed), auxiliary.make(replace(BESIDE, people=people), OURS, seed)
    assert len(others) == people
    assert others.train.all()
    names = [{made.name(row) for row in range(len(made))} for made in (ours, others)]
    assert not names[0] & names[1]
    assert not {ours.person(row) for row in range(len(ours)) if others.knows(ours.person(row))}


def test_people_of_whom_nothing_is_read_come_after_the_celebrities():
    assert auxiliary.after(BESIDE, OURS, 5).first_person == OURS.people + BESIDE.people
    assert auxiliary.after(BesideConfig(), OURS, 5).first_person == OURS.people


def test_the_union_is_one_corpus_with_two_groups(made):
    store, _ = made
    data = datasets.load_from_disk(str(store.folder(plan.plan(RUN).corpus))).to_pandas()
    counts = data.groupby("group")["person_id"].agg(["size", "nunique", "min", "max"])
    assert counts.loc["people"].tolist() == [16, 16, 0, 15]
    assert counts.loc["celebrities"].tolist() == [20, 10, 16, 25]
    card = (store.folder(plan.plan(RUN).corpus) / "README.md").read_text()
    assert "36 entries of 26 invented people, 10 of them celebrities" in card
    assert "| `beside.entries` | 2 |" in card


def test_celebrities_alone_are_trained_on_and_the_minority_alone_is_tested(made):
    asked = made[1][made[1]["task"] == "extraction"]
    assert set(asked.loc[asked["split"] == "train", "person"]) == set(range(16, 26))
    ours = world.make(OURS, 0)
    assert set(asked.loc[asked["split"] == "test", "person"]) == {row for row in range(16) if not ours.train[row]}
    read = made[1][made[1]["task"] == "biography"]
    assert set(read["person"]) == set(range(26))
    assert set(results.own(made[1])["person"]) == set(range(16))


def test_unrelated_text_tells_of_nobody(tmp_path):
    run = replace(RUN, beside=replace(BESIDE, kind="unrelated"))
    rows = pd.read_parquet(pipeline.run(run, tmp_path) / "rows.parquet")
    assert set(rows["person"]) == set(range(16))
    assert set(rows.loc[rows["task"] == "extraction", "split"]) == {"train", "test"}
    data = datasets.load_from_disk(str(Store(tmp_path).folder(plan.plan(run).corpus))).to_pandas()
    texts = data[data["group"] == "unrelated"]
    assert len(texts) == 20
    assert sorted(texts["person_id"]) == list(range(-20, 0))
    assert not texts["spans"].map(len).any()


def test_unrelated_sentences_hold_no_name_and_no_value():
    told = " ".join(unrelated.texts(3000, 0))
    assert not set("{}|") & set(told)
    ours = world.make(WorldConfig(people=9), 0)
    values = {value for name, pool in ours.pools.items() if name != "birth_date" for value in pool}
    names = {name for pool in NAME_POOLS for name in first(pool, WorldConfig().pools[pool])}
    words = set(re.findall(r"\w+", told))
    assert not names & words
    assert not {value for value in values if value in told and re.search(rf"\b{re.escape(value)}\b", told)}


@given(count=st.integers(1, 30), more=st.integers(0, 30), seed=st.integers(0, 9), epoch=st.integers(0, 3))
def test_a_text_does_not_depend_on_how_many_there_are(count, more, seed, epoch):
    texts = list(unrelated.texts(count, seed, epoch))
    assert texts == list(unrelated.texts(count + more, seed, epoch))[:count]
    assert all(len(set(re.split(r"(?<=\.) ", text))) == unrelated.SENTENCES for text in texts)


def test_texts_differ_between_seeds_and_epochs():
    found = [tuple(unrelated.texts(5, seed, epoch)) for seed in range(2) for epoch in range(2)]
    assert len(set(found)) == 4


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
def test_what_cannot_be_read_beside_is_refused(config, named):
    with pytest.raises(ConfigError, match=re.escape(named)):
        auxiliary.check(config, OURS, TOLD)


def test_runs_with_nothing_beside_keep_their_keys():
    plain = plan.plan(replace(RUN, beside=BesideConfig()))
    assert plain.corpus.key == plan.plan(replace(RUN, beside=replace(BESIDE, kind="none"))).corpus.key
    assert len({plain.corpus.key, plan.plan(RUN).corpus.key}) == 2


def arm(name, shift=0.0, known=99.5):
    """Return an arm's rows with the paper's accuracy on the minority, or a share of it."""
    numbers = celebrity_paper.values(name) or (4.0,) * 7
    parts = []
    for task, split, share in (
        ("extraction", "test", None),
        ("extraction", "train", 99.0),
        ("biography", "test", known),
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
    plain = {**arms, "single_permute1_celebrities": arm("single_permute1", known=90.0)}
    found = {claim.id: claim.holds for claim in celebrity.claims(plain, True, "laptop")}
    assert not any(found[name] for name in ("A16", "A16.gain", "A16.bio", "A17.single"))
    some = {**arms, "single_permute1_celebrities": arm("single_permute1", shift=12.0)}
    gain = {scale: celebrity.claims(some, True, scale)[1].holds for scale in ("laptop", "gpu")}
    assert gain == {"laptop": True, "gpu": False}


def test_the_table_is_of_the_minority():
    rows = arm("single_permute1_celebrities")
    famous = rows[rows["task"] == "biography"].assign(person=lambda part: part["person"] + 200, tokens_correct=0)
    table = celebrity.table({"single_permute1_celebrities": pd.concat([rows, famous], ignore_index=True)})
    assert table.set_index("attribute").loc["mean", "biography_tokens"] == 99.5
    assert table["paper"].tolist() == list(celebrity_paper.values("single_permute1_celebrities"))


def test_the_person_explorer_shows_the_corpuss_own_people(made):
    store, rows = made
    (shown,) = people.worlds(store.lab, rows)
    ids = [one["id"] for one in shown["people"]]
    assert ids
    assert all(0 <= person < OURS.people for person in ids)
    assert all(one["name"] and one["entries"] for one in shown["people"])
