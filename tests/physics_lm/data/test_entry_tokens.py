"""Entries laid from tokenised parts are the tokenised text, id for id, whatever the corpus and the tokenizer."""

import numpy as np
import pytest
from entry_tokenizers import KINDS, knobs, tokenizer
from hypothesis import given
from hypothesis import strategies as st
from small_worlds import SINGLE, examples, small_world, told
from tokenizers import AddedToken, Tokenizer, pre_tokenizers, trainers

from data_gen.config import CorpusConfig
from data_gen.people.attributes import NAMES
from physics_lm.data import pretraining, tokenizers
from physics_lm.data.entry_tokens import entry_assembler
from physics_lm.data.ragged import join


def encoded(kind, texts):
    return tokenizer(kind)(texts, add_special_tokens=False)["input_ids"] if texts else []


@pytest.mark.parametrize("kind", KINDS)
@examples(25)
@given(config=knobs, seed=st.integers(0, 3), epoch=st.integers(0, 2), data=st.data())
def test_assembled_entries_are_the_tokenised_texts(kind, config, seed, epoch, data):
    made = small_world(people=12, seed=seed, first_person=5)
    rows = np.array(data.draw(st.lists(st.integers(0, 11), min_size=1, max_size=12, unique=True)))
    entries = told(made, config, epoch, rows)
    found = entry_assembler(made, config, tokenizer(kind)).assemble(rows, epoch)
    expected = join(encoded(kind, [entry.text for entry in entries]), tokenizer(kind).eos_token_id)
    assert found.sequences.flat.tolist() == expected.flat.tolist()
    assert found.sequences.bounds.tolist() == expected.bounds.tolist()
    assert found.person.tolist() == [entry.person_id for entry in entries]
    spans = [[span.attribute for span in entry.spans] for entry in entries]
    assert [[NAMES[told] for told in row] for row in found.attribute] == spans


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("config", [SINGLE, CorpusConfig(entries=2, orders=2, reverse=6)])
def test_spans_hold_the_values(kind, config):
    made = small_world()
    found = entry_assembler(made, config, tokenizer(kind)).epoch()
    for number, entry in enumerate(told(made, config)):
        ids = found.sequences[number]
        values = [entry.text[span.start : span.end] for span in entry.spans]
        spans = [ids[a:b].tolist() for a, b in zip(found.start[number], found.stop[number], strict=True)]
        assert spans == encoded(kind, values)


@pytest.mark.parametrize("people", [1, 250, 251, 600])
def test_blocks_change_nothing(people):
    made, config = small_world(people=600), CorpusConfig("multi2", entries=2, orders=0)
    laid = entry_assembler(made, config, tokenizer("word"))
    whole, part = laid.epoch(), laid.assemble(np.arange(people))
    size = part.sequences.bounds[-1]
    assert part.sequences.flat.tolist() == whole.sequences.flat[:size].tolist()
    assert part.start.tolist() == whole.start[: 2 * people].tolist()


def merging(kind):
    """Tokenizers that the borders of parts do not stop."""
    backend = Tokenizer.from_str(tokenizer("bpe").backend_tokenizer.to_str())
    if kind == "across spaces":
        backend.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=True, use_regex=False)
        texts = [entry.text for entry in told(small_world(people=40, seed=9), SINGLE)]
        backend.train_from_iterator(texts, trainers.BpeTrainer(vocab_size=700, show_progress=False))
    else:
        backend.add_tokens([AddedToken(". She")])
    return tokenizers.wrapped(backend, None)


@pytest.mark.parametrize("kind", ["across spaces", "a stop and the next word"])
def test_a_tokenizer_that_merges_across_parts_takes_the_text_route(kind, caplog):
    assert entry_assembler(small_world(), SINGLE, merging(kind)) is None
    assert "entries are tokenised as text" in caplog.text


def test_a_corpus_that_is_not_from_its_recipes_takes_the_text_route(caplog):
    made, config = small_world(), SINGLE
    entries = told(made, config)
    assert entry_assembler(made, config, tokenizer("word"), entries, 30) is not None
    assert not caplog.text
    for others, size in ((entries[1:], 30), (entries, 31)):
        caplog.clear()
        assert entry_assembler(made, config, tokenizer("word"), others, size) is None
        assert "not what its recipes say" in caplog.text


def test_pretraining_reads_the_same_by_either_route(smoke, tmp_path, monkeypatch, batches_of):
    config = smoke("corpus=multi_infinity_permute")
    direct = batches_of(config, "pretrain")
    monkeypatch.setattr(pretraining, "entry_assembler", lambda *args: None)
    text = batches_of(config, "pretrain")
    for step in (0, 3, 40):
        assert direct(step)[0].tolist() == text(step)[0].tolist()
