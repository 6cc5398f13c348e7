"""The microscope: a probe at every token of one entry, trained on other people, on a checkpoint of a lab alone."""

import copy
import re
import sys
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import torch

from data_gen.errors import ConfigError
from data_gen.people import world
from data_gen.people.attributes import NAMES
from experiments import microscope as command
from physics_lm import lineage, microscope, models
from physics_lm.config.model import ShapeConfig
from physics_lm.data import ragged
from physics_lm.plan import plan
from physics_lm.probes.linear import training
from physics_lm.probes.linear.stack import Head, Items, Stack
from physics_lm.run import execute
from physics_lm.store.artifacts import Store

FEW = replace(microscope.SETTINGS, steps=3, examples=4)


@pytest.fixture(scope="module")
def person(lab):
    return next(entry.person_id for entry in lab.entries if not lab.world.train[entry.person_id])


@pytest.fixture(scope="module")
def table(lab, person):
    return microscope.look(lab.folder("pretrain"), person, 1, FEW)


def test_there_is_a_row_per_token_and_attribute_of_the_entry(lab, person, table):
    entry = [entry for entry in lab.entries if entry.person_id == person][1]
    assert set(table["attribute"]) == set(NAMES)
    for name, rows in table.groupby("attribute"):
        assert "".join(rows["token"]) == entry.text.replace(" ", "")
        value = lab.world.value(name, person)
        assert set(rows["value"]) == {value.split()[0] if name == "birth_date" else value}
        assert "".join(rows.loc[rows["told"] == name, "token"]) == value.replace(" ", "")
    assert table["probability"].between(0, 1).all()


def test_the_share_is_of_the_others_of_p_train(lab, table):
    world = lab.world
    for name, rows in table[table["attribute"] != "birth_date"].groupby("attribute"):
        values = [world.value(name, row) for row in np.flatnonzero(world.train)]
        assert rows["share"].iloc[0] == pytest.approx(np.mean([value == rows["value"].iloc[0] for value in values]))


def test_whoever_is_looked_at_is_not_learned_from(lab, monkeypatch):
    trained = next(entry.person_id for entry in lab.entries if lab.world.train[entry.person_id])
    seen = []
    monkeypatch.setattr(microscope, "train", lambda stack, items, *rest: seen.append(items))
    microscope.look(lab.folder("finetune"), trained, 0, FEW)
    (items,) = seen
    assert set(items.row) == set(np.flatnonzero(lab.world.train)) - {trained}
    lengths = items.sequences.lengths[:, None]
    assert ((items.token_index >= 1) & (items.token_index < lengths - 1)).all()


def test_people_may_be_counted_from_any_number(smoke, monkeypatch, tmp_path):
    config = smoke("corpus=multi2_permute", "world.first_person=5", "pretrain.steps=2", "finetune=none")
    execute(config, tmp_path)
    seen, train = [], np.flatnonzero(world.make(config.world, config.seed).train)
    monkeypatch.setattr(microscope, "train", lambda stack, items, *rest: seen.append(items))
    table = microscope.look(Store(tmp_path).folder(plan(config)["pretrain"]), 5 + int(train[0]), 0, FEW)
    assert set(seen[0].row) == set(train[1:])
    assert set(table["attribute"]) == set(NAMES)


def test_a_head_that_looks_everywhere_learns_from_each_place_alike():
    model = models.build(ShapeConfig(layers=1, width=16, heads=2, positions=12), 40, 0, seed=3)
    sequences = ragged.join([[5, 6, 7, 8], [9, 10, 11, 12]], 0)
    items = Items(sequences, np.arange(2), np.array([[1, 3], [2, 3]]))
    label = np.array([1, 2])
    everywhere, *single = (
        Stack(copy.deepcopy(model), [Head("a", place, label, 3, "a")], 2, "layer", 0) for place in (None, 0, 1)
    )
    for stack in (everywhere, *single):
        training._backward(stack, items, np.arange(2), 0)
    for whole, *parts in zip(*(stack.parameters() for stack in (everywhere, *single)), strict=True):
        torch.testing.assert_close(whole.grad, (parts[0].grad + parts[1].grad) / 2)


def test_lineage_finds_the_run_of_a_checkpoint(lab):
    for step in ("pretrain", "finetune"):
        subject = lineage.subject_of(lab.folder(step), FEW)
        config, chain, store = subject.config, subject.chain, subject.store
        assert (config.world, config.corpus, config.seed) == (lab.config.world, lab.config.corpus, lab.config.seed)
        assert config.pretrain == replace(lab.config.pretrain, save_every=config.pretrain.save_every)
        assert store.lab == lab.path.resolve()
        assert (chain.entries, chain.tokenizer, chain["pretrain"]) == (
            lab.plan["corpus"],
            lab.plan.tokenizer,
            lab.plan["pretrain"],
        )
        assert chain.model == lab.plan[step]


@pytest.mark.parametrize(
    ("words", "named"),
    [
        ([], "person: say whose"),
        (["person=x"], "person=x: write person=12"),
        (["people=3"], "people=3: write person=12"),
        (["person=-1"], "person=-1: write person=12"),
        (["person=999"], "person=999: no entry is about this person; choose 0 to 23"),
        (["person=0", "entry=9"], "entry=9: person 0 has 2"),
    ],
)
def test_what_is_not_there_is_said_in_one_line(lab, monkeypatch, capsys, words, named):
    monkeypatch.setattr(sys, "argv", ["microscope", str(lab.folder("pretrain")), *words])
    with pytest.raises(SystemExit) as ended:
        command.main()
    assert ended.value.code == 2
    assert named in capsys.readouterr().err


def test_a_folder_that_is_no_checkpoint_of_a_lab_is_refused(lab, tmp_path):
    with pytest.raises(ConfigError, match="no checkpoint of a lab"):
        microscope.look(tmp_path, 0)
    with pytest.raises(ConfigError, match="holds a tokenizer"):
        microscope.look(lab.folder("tokenizer"), 0)


def test_the_command_writes_a_picture_and_its_numbers(lab, person, monkeypatch, capsys, tmp_path):
    monkeypatch.setattr(microscope, "SETTINGS", FEW)
    monkeypatch.setattr(microscope.look, "__defaults__", (0, FEW))
    monkeypatch.setattr(
        sys, "argv", ["microscope", str(lab.folder("pretrain")), f"person={person}", f"paths.lab={tmp_path}"]
    )
    command.main()
    picture = capsys.readouterr().out.strip()
    assert re.fullmatch(rf".*/microscope/{lab.plan['pretrain'].key[:12]}-person{person}-entry0\.png", picture)
    table = pd.read_csv(picture.replace(".png", ".csv"), keep_default_na=False)
    assert len(table) == 6 * table["place"].nunique()


def test_the_picture_holds_every_token_and_frames_the_values(table):
    figure = command.draw(table, "title")
    words = [tick.get_text() for axis in figure.axes for tick in axis.get_xticklabels()]
    assert words == table[table["attribute"] == NAMES[0]]["token"].tolist()
    framed = sum(len(axis.patches) for axis in figure.axes)
    assert framed == (table[table["attribute"] == NAMES[0]]["told"] != "").sum()
