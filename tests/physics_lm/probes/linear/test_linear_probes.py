import copy
import re
import shutil
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
import torch
from torch import nn

from data_gen.biographies.biography import Biography
from data_gen.config import WorldConfig
from data_gen.errors import ConfigError
from data_gen.people.attributes import NAMES
from data_gen.people.world import make
from physics_lm import checks, models
from physics_lm.config import columns
from physics_lm.config.model import ShapeConfig
from physics_lm.config.tokenizer import TokenizerConfig
from physics_lm.data import ragged, tokenizers
from physics_lm.models import checkpoint
from physics_lm.plan import plan
from physics_lm.probes import p_probe, q_probe
from physics_lm.probes.linear import stack as stack_module
from physics_lm.probes.linear import tasks, training
from physics_lm.probes.linear.classes import task_classes
from physics_lm.probes.linear.rows import build_heads, check_model
from physics_lm.probes.linear.stack import Head, Items, Stack
from physics_lm.probes.linear.tasks import Task
from physics_lm.run import execute
from physics_lm.store.artifacts import Store
from physics_lm.subject import Subject

WIDTH, CLASSES, VOCABULARY = 16, 3, 40
NORMS = {"layer": nn.LayerNorm, "batch": nn.BatchNorm1d}
CONFIG = p_probe.Config(batch=8, steps=5, examples=4, lr=1e-2, weight_decay=0.3, rank=2)


@pytest.fixture(scope="module")
def model():
    return models.build(ShapeConfig(layers=1, width=WIDTH, heads=2, positions=12), VOCABULARY, 0, seed=3)


def items(people=10):
    rng = np.random.default_rng(1)
    sequences = ragged.join([rng.integers(1, VOCABULARY, 5 + n % 3).tolist() for n in range(people)], 0)
    return Items(sequences, np.arange(people), np.tile([2, 4], (people, 1)))


def head(name, position, update=None, people=10):
    """A head with more classes the longer its name is."""
    count = CLASSES + len(name) - 1
    label = np.random.default_rng(len(name)).integers(0, count, people)
    return Head(name, position, label, count, update or name)


def alone(model, head, norm, items, config=CONFIG):
    """Train one probe as the paper says it, by a plain loop; return its logits of every item."""
    start = Stack(copy.deepcopy(model), [head], config.rank, norm, seed=0)
    a, b, ln, layer = start.first[0], start.second[0], NORMS[norm](WIDTH), nn.Linear(WIDTH, head.classes)
    layer.load_state_dict({name: getattr(start.layers, name)[0, : head.classes] for name in ("weight", "bias")})
    frozen = start.frozen[0]
    learned = [a, b, *layer.parameters(), *ln.parameters()]
    optimizer = torch.optim.AdamW(learned, lr=config.lr, eps=1e-6, weight_decay=config.weight_decay)

    def logits(index):
        seen = []
        for number in index:  # one sequence at a time, so that nothing is padded
            ids = torch.from_numpy(items.sequences[int(number)].astype(np.int64))
            embedded = (frozen.get_input_embeddings().weight + a @ b)[ids]
            read = frozen.base_model(inputs_embeds=embedded[None], use_cache=False).last_hidden_state
            seen.append(read[0, items.token_index[number, head.position]])
        return layer(ln(torch.stack(seen)))

    ln.train()
    for step in range(config.steps):
        per_epoch = len(items) // config.examples
        order = ragged.epoch_order(len(items), 0, step // per_epoch)
        index = order[step % per_epoch * config.examples :][: config.examples]
        for group in optimizer.param_groups:
            group["lr"] = config.lr * (1 - step / config.steps)
        loss = nn.functional.cross_entropy(logits(index), torch.from_numpy(head.label[index]))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    ln.eval()
    with torch.no_grad():
        return logits(np.arange(len(items))).log_softmax(-1).double().numpy()


class Killed(Exception):
    pass


@pytest.mark.parametrize("norm", NORMS)
@pytest.mark.parametrize("damaged", [False, True])
def test_a_killed_stack_goes_on_and_ends_in_the_same_bits(norm, damaged, tmp_path, monkeypatch):
    data, config = items(), replace(CONFIG, steps=8, save_every=3)
    kind = ShapeConfig(layers=1, width=WIDTH, heads=2, positions=12, dropout=0.3)
    calls = []

    def stack():
        torch.manual_seed(1)
        model = models.build(kind, VOCABULARY, 0, seed=3)
        torch.manual_seed(2)
        return Stack(model, [head("a", 0), head("bb", 1)], 2, norm, seed=0)

    whole, killed, rest = stack(), stack(), stack()
    torch.manual_seed(2)
    training.train(whole, data, 0, config, 0, "probe")
    backward = training._backward

    def dying(*args):
        calls.append(args)
        if len(calls) == 6:
            raise Killed
        backward(*args)

    monkeypatch.setattr(training, "_backward", dying)
    torch.manual_seed(2)
    with pytest.raises(Killed):
        training.train(killed, data, 0, config, 0, "probe", tmp_path)
    if damaged:
        (tmp_path / "state.pt").write_bytes(b"half")
    torch.manual_seed(2 if damaged else 99)
    calls.extend([()] * 10)
    training.train(rest, data, 0, config, 0, "probe", tmp_path)
    assert len(calls) == 16 + (8 if damaged else 5)
    for name, value in whole.state_dict().items():
        assert torch.equal(value, rest.state_dict()[name]), name


@pytest.mark.parametrize("norm", NORMS)
@pytest.mark.parametrize("tokens", [4, 48, 1000])
def test_a_stack_ends_where_each_of_its_probes_ends_alone(model, norm, tokens, monkeypatch):
    monkeypatch.setattr(stack_module, "TOKENS", tokens)
    data, heads = items(), [head("a", 0), head("bb", 1), head("ccc", 1)]
    stack = Stack(copy.deepcopy(model), heads, CONFIG.rank, norm, seed=0)
    training.train(stack, data, 0, CONFIG, 0, "probe")
    predicted, logprob = training.classify(stack, data, 0, 4)
    for number, single in enumerate(heads):
        reference = alone(model, single, norm, data)
        np.testing.assert_array_equal(predicted[number], reference.argmax(-1))
        np.testing.assert_allclose(logprob[number], reference[np.arange(10), single.label], atol=2e-4)


def test_a_shared_update_learns_from_every_head_and_another_does_not(model):
    data, heads = items(), [head("a", 0, "one"), head("bb", 1, "one"), head("ccc", 1, "two")]
    stack = Stack(copy.deepcopy(model), heads, 2, "layer", seed=0)
    assert stack.updates == ["one", "two"]
    before = [p.clone() for p in stack.frozen[0].parameters()]
    training.train(stack, data, 0, CONFIG, 0, "probe")
    assert all(second.abs().max() > 0 for second in stack.second)
    after = list(stack.frozen[0].parameters())
    assert all(torch.equal(x, y) for x, y in zip(before, after, strict=True))
    fewer = Stack(copy.deepcopy(model), heads[1:], 2, "layer", seed=0)
    training.train(fewer, data, 0, CONFIG, 0, "probe")
    assert not torch.allclose(stack.second[0], fewer.second[0])
    torch.testing.assert_close(stack.second[1], fewer.second[1])


@pytest.mark.parametrize("shared", [False, True])
def test_what_shares_an_update_is_of_one_attribute_and_never_a_control(world, shared):
    tables = [task_classes(task, world, vocabulary(world)) for task in tasks.TASKS]
    heads = build_heads(tables, (0, 3), world, 0, shared)
    real, control = heads[:22], heads[22:]
    assert not {head.update for head in real} & {head.update for head in control}
    assert len({head.update for head in real}) == (6 if shared else 22)
    for head in real:
        attributes = {other.name.split("_", 1)[1].split("@")[0] for other in real if other.update == head.update}
        assert len(attributes) == 1
    assert len({head.update for head in control}) == (1 if shared else 22)


def test_nothing_after_a_place_is_seen_there(model):
    data = items()
    stack = Stack(copy.deepcopy(model), [head("a", 0)], 2, "layer", seed=0)
    ids = torch.from_numpy(ragged.pad(data.sequences, np.arange(10), 0)).long()
    place = torch.from_numpy(data.token_index)
    changed = ids.clone()
    changed[:, 3:] = 7
    torch.testing.assert_close(stack(ids, place, range(1))[1], stack(changed, place, range(1))[1])


def test_heads_that_look_at_one_place_and_at_all_do_not_share_a_stack(model):
    with pytest.raises(ValueError, match="use one stack for each kind"):
        Stack(copy.deepcopy(model), [head("a", 0), head("bb", None)], 2, "layer", seed=0)


@pytest.fixture(scope="module")
def world():
    return make(WorldConfig(24, pools=dict.fromkeys(WorldConfig().pools, 14)), 0)


def first_word(text):
    return re.match(r"\w+|\W+", text)[0]


def vocabulary(world):
    texts = [world.value(name, row) for name in NAMES for row in range(len(world))]
    return tokenizers.train(TokenizerConfig("word"), texts)


def test_the_classes_are_the_values_of_the_people_and_say_which_nobody_is_trained_on(world):
    for task in tasks.TASKS:
        table = task_classes(task, world, vocabulary(world))
        values = [world.value(task.attribute, row) for row in range(len(world))]
        if task.kind == "first":
            values = [first_word(text) for text in values]
        assert [table.values[label] for label in table.label] == values
        trained = {text for text, train in zip(values, world.train, strict=True) if train}
        assert {value for value, seen in zip(table.values, table.seen, strict=True) if seen} == trained
        counts = pd.Series([text for text in values if text in trained]).value_counts()
        assert table.values[table.majority] in counts.index
    assert len(tasks.TASKS) == 11


def test_an_attribute_of_one_class_is_refused_by_name():
    pools = WorldConfig().pools
    world = make(WorldConfig(24, pools={**pools, "major": 1}), 0)
    with pytest.raises(ConfigError, match=r"first_major has one class.*'[A-Z].*world\.pools\.major"):
        task_classes(Task("first", "major"), world, vocabulary(world))


@pytest.mark.parametrize(
    ("overrides", "words"),
    [
        (["probe=p_probe", "probe.positions=6"], "has no position 6"),
        (["probe=p_probe", "probe.positions=0+x"], "has no position x"),
        (["probe=q_probe", "probe.positions=0"], "probe.positions: .* choose probe=p_probe"),
        (["probe=p_probe", "probe.tasks=whole_birth_date"], "no task 'whole_birth_date'; choose from all, first"),
        (["probe=p_probe", "probe.rank=0"], "probe.rank=0"),
        (["probe=p_probe", "probe.lr=0"], "probe.lr=0"),
        (["probe=q_probe", "probe.weight_decay=-1"], "probe.weight_decay=-1"),
        (["probe=p_probe", "finetune=none", "pretrain.objective=masked"], "pretrain.objective=masked"),
    ],
)
def test_what_cannot_be_probed_is_refused_before_any_work(smoke, overrides, words):
    with pytest.raises(ConfigError, match=words):
        checks.check(smoke(*overrides))


def test_settings_of_learning_are_settings_of_probes_that_learn(smoke):
    with pytest.raises(ConfigError, match=r"probe\.steps: .* choose probe=p_probe or probe=q_probe"):
        smoke("probe.steps=7")
    assert not {"probe.steps", "probe.rank"} & set(columns.settings_columns(smoke()))
    config, other = smoke("probe=q_probe"), smoke("probe=q_probe", "probe.steps=7")
    assert plan(config)["probe"].key != plan(other)["probe"].key


def test_a_probe_looks_at_the_token_right_before_a_value_or_at_the_end_of_a_name(lab):
    subject = Subject(lab.config, lab.plan, Store(lab.path))
    end, read = subject.tokenizer.eos_token_id, subject.tokenizer.decode
    entries, names = p_probe.probed_items(subject), q_probe.probed_items(subject)
    for item in range(0, len(entries.items), 17):
        ids = entries.items.sequences[item].tolist()
        assert subject.world.person_id(int(entries.items.row[item])) == subject.own_entries[item].person_id
        for position, place in enumerate(entries.items.token_index[item]):
            assert read(ids[1 : place + 1]).strip() == entries.text(item, position)
            value = subject.world.value(NAMES[list(entries.own[item]).index(position)], int(entries.items.row[item]))
            assert read(ids[place + 1 :]).strip().startswith(value)
    for item, (place,) in enumerate(names.items.token_index):
        ids = names.items.sequences[item].tolist()
        assert (ids[0], ids[place], place) == (end, end, len(ids) - 1)
        assert read(ids[1:place]).strip() == subject.world.name(int(names.items.row[item]))


def test_an_entry_without_a_position_is_refused():
    with pytest.raises(ConfigError, match=r"entry 0 \(person 3\) has spans of nothing"):
        p_probe.check_entries([Biography("Ann.", 3, "people", ())])


def test_a_model_with_another_tokenizer_is_refused(world, model):
    other = tokenizers.train(TokenizerConfig("word"), ["a few other words"])
    own = tokenizers.train(TokenizerConfig("word"), [world.name(row) for row in range(len(world))])
    config = SimpleNamespace(probe=CONFIG, model=checkpoint.Config(path="somewhere"))
    subject = SimpleNamespace(model=model, config=config, world=world, tokenizer=other, corpus_tokenizer=own)
    with pytest.raises(ConfigError, match=r"model\.kind=checkpoint: its tokenizer is not the corpus's"):
        check_model(subject)


@pytest.mark.parametrize("kind", ["p_probe", "q_probe"])
def test_a_probe_has_a_row_per_item_task_and_position_beside_its_baselines(lab, smoke, kind, tmp_path):
    shutil.copytree(lab.path, tmp_path / "lab")
    config = smoke("corpus=multi2_permute", "finetune=none", f"probe={kind}")
    rows = pd.read_parquet(execute(config, tmp_path / "lab") / "rows.parquet")
    places = 6 if kind == "p_probe" else 1
    test, train = rows[rows["split"] == "test"], rows[rows["split"] == "train"]
    people = (~lab.world.train).sum()
    assert len(test) == 11 * places * people * (2 if kind == "p_probe" else 1)
    assert len(train) == 11 * places * lab.world.train.sum()
    assert set(rows["position"]) == set(range(places))
    for (task, attribute), group in test.groupby(["task", "attribute"]):
        value = lab.world.value(attribute, int(group["person"].iloc[0]))
        assert group["gold"].iloc[0] == (value if task == "whole" else first_word(value))
        tally = pd.Series([lab.world.value(attribute, row) for row in np.flatnonzero(lab.world.train)])
        tally = tally if task == "whole" else tally.map(first_word)
        assert group["seen"].equals(group["gold"].isin(tally))
        assert group.loc[group["majority"], "gold"].isin(tally.value_counts().loc[lambda n: n == n.max()].index).all()
    if kind == "p_probe":
        own = test[(test["task"] == "whole") & (test["own"] == test["position"])]
        text = {entry.text for entry in lab.entries}
        assert all(any(t.startswith(f"{r.prompt} {r.gold}") for t in text) for r in own.itertuples())
    assert (rows["correct"] == (rows["gold"] == rows["prediction"])).all()
    assert rows["gold_logprob"].lt(0).all()
