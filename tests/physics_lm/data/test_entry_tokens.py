"""Entries laid from tokenised parts are the tokenised text, id for id, whatever the corpus and the tokenizer."""

import numpy as np
import pytest
from entry_tokenizers import KINDS, knobs, tokenizer
from hypothesis import given
from hypothesis import strategies as st
from small_worlds import SINGLE, examples, render_entries, small_world
from tokenizers import AddedToken, Tokenizer, pre_tokenizers, trainers

from data_gen.config import CorpusConfig
from data_gen.people.attributes import NAMES
from physics_lm.data import tokenizers
from physics_lm.data.entry_tokens import entry_assembler
from physics_lm.data.ragged import join
from physics_lm.training import pretraining_data


def encoded(kind, texts):
    return tokenizer(kind)(texts, add_special_tokens=False)["input_ids"] if texts else []


@pytest.mark.parametrize("kind", KINDS)
@examples(25)
@given(config=knobs, seed=st.integers(0, 3), epoch=st.integers(0, 2), data=st.data())
def test_assembled_entries_are_the_tokenised_texts(kind, config, seed, epoch, data):
    world = small_world(people=12, seed=seed, first_person=5)
    rows = np.array(data.draw(st.lists(st.integers(0, 11), min_size=1, max_size=12, unique=True)))
    entries = render_entries(world, config, epoch, rows)
    assembled = entry_assembler(world, config, tokenizer(kind)).assemble(rows, epoch)
    expected = join(encoded(kind, [entry.text for entry in entries]), tokenizer(kind).eos_token_id)
    assert assembled.sequences.flat.tolist() == expected.flat.tolist()
    assert assembled.sequences.bounds.tolist() == expected.bounds.tolist()
    assert assembled.person.tolist() == [entry.person_id for entry in entries]
    spans = [[span.attribute for span in entry.spans] for entry in entries]
    assert [[NAMES[attribute] for attribute in row] for row in assembled.attribute] == spans


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("config", [SINGLE, CorpusConfig(entries=2, orders=2, reverse=6)])
def test_spans_hold_the_values(kind, config):
    world = small_world()
    assembled = entry_assembler(world, config, tokenizer(kind)).epoch()
    for number, entry in enumerate(render_entries(world, config)):
        ids = assembled.sequences[number]
        values = [entry.text[span.start : span.end] for span in entry.spans]
        spans = [ids[a:b].tolist() for a, b in zip(assembled.start[number], assembled.stop[number], strict=True)]
        assert spans == encoded(kind, values)


@pytest.mark.parametrize("people", [1, 250, 251, 600])
def test_blocks_change_nothing(people):
    world, config = small_world(people=600), CorpusConfig("multi2", entries=2, orders=0)
    assembler = entry_assembler(world, config, tokenizer("word"))
    whole, some = assembler.epoch(), assembler.assemble(np.arange(people))
    size = some.sequences.bounds[-1]
    assert some.sequences.flat.tolist() == whole.sequences.flat[:size].tolist()
    assert some.start.tolist() == whole.start[: 2 * people].tolist()


def merging(kind):
    """Tokenizers that the borders of parts do not stop."""
    backend = Tokenizer.from_str(tokenizer("bpe").backend_tokenizer.to_str())
    if kind == "across spaces":
        backend.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=True, use_regex=False)
        texts = [entry.text for entry in render_entries(small_world(people=40, seed=9), SINGLE)]
        backend.train_from_iterator(texts, trainers.BpeTrainer(vocab_size=700, show_progress=False))
    else:
        backend.add_tokens([AddedToken(". She")])
    return tokenizers.wrap(backend, None)


@pytest.mark.parametrize("kind", ["across spaces", "a stop and the next word"])
def test_a_tokenizer_that_merges_across_parts_takes_the_text_route(kind, caplog):
    assert entry_assembler(small_world(), SINGLE, merging(kind)) is None
    assert "entries are tokenised as text" in caplog.text


def test_a_corpus_that_is_not_from_its_recipes_takes_the_text_route(caplog):
    world, config = small_world(), SINGLE
    entries = render_entries(world, config)
    assert entry_assembler(world, config, tokenizer("word"), entries, 30) is not None
    assert not caplog.text
    for first, size in ((entries[1:], 30), (entries, 31)):
        caplog.clear()
        assert entry_assembler(world, config, tokenizer("word"), first, size) is None
        assert "differ from those that seed, world and corpus give" in caplog.text


def test_pretraining_reads_the_same_by_either_route(smoke, tmp_path, monkeypatch, batches_of):
    config = smoke("corpus=multi_infinity_permute")
    direct = batches_of(config, "pretrain")
    monkeypatch.setattr(pretraining_data, "entry_assembler", lambda *args: None)
    text = batches_of(config, "pretrain")
    for step in (0, 3, 40):
        assert direct(step)["input_ids"].tolist() == text(step)["input_ids"].tolist()
