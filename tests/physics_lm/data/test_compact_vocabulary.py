"""A vocabulary cut down to what a corpus uses, and spread out again."""

import random

import pytest
import torch
from kind_configs import model_config
from transformers import AutoModelForCausalLM

from data_gen.biographies import rendering
from physics_lm import checks, models
from physics_lm.config.run import RunConfig
from physics_lm.config.tokenizer import TokenizerConfig
from physics_lm.data import compact_vocabulary, tokenizers
from physics_lm.export import expand_vocabulary


@pytest.fixture(scope="module")
def texts(lab):
    lexicon = list(rendering.lexicon(lab.world, lab.config.corpus))
    return [entry.text for entry in lab.entries] + [question.text for question in lab.questions] + lexicon


@pytest.fixture(scope="module")
def pair(texts):
    """Return a tokenizer with many words that the corpus lacks, as GPT-2's has, and what is left of it."""
    rng = random.Random(0)
    other = ["".join(rng.choices("abcdefghijklmnopqrstuvwxyz", k=7)) for _ in range(3000)]
    whole = tokenizers.train(TokenizerConfig("bpe", 3000), texts + other)
    return whole, compact_vocabulary.keep_used_tokens(whole, texts)


def test_the_corpus_is_cut_into_the_very_same_tokens(pair, texts):
    whole, small = pair
    assert len(small) < 0.7 * len(whole)
    for text in texts:
        assert small.tokenize(text) == whole.tokenize(text)
    assert small.eos_token == whole.eos_token


def test_ids_are_new_and_each_stands_for_one_token(pair, texts):
    _, small = pair
    assert sorted(small.get_vocab().values()) == list(range(len(small)))
    assert all(0 <= i < len(small) for ids in tokenizers.ids(small, texts) for i in ids)


def test_any_other_text_can_still_be_told(pair):
    _, small = pair
    text = " Zürich? 零 \n{}"
    assert small.decode(small(text, add_special_tokens=False)["input_ids"]).strip() == text.strip()


@pytest.mark.parametrize("kind", ["gpt2_rotary", "llama"])
def test_an_expanded_model_says_what_the_compact_one_says(pair, texts, tmp_path, kind):
    whole, small = pair
    small = tokenizers.extend(tokenizers.load(saved(small, tmp_path / "small")), ["<|hint|>"])
    model = models.build(model_config(kind, 1, 16, 2, 64), len(small), small.eos_token_id, 0)
    model.save_pretrained(tmp_path / "small")
    small.save_pretrained(tmp_path / "small")
    large, vocabulary = expand_vocabulary.expand_vocabulary(
        tmp_path / "small", tokenizers.load(saved(whole, tmp_path / "whole"))
    )
    large.save_pretrained(tmp_path / "large")
    vocabulary.save_pretrained(tmp_path / "large")
    large = AutoModelForCausalLM.from_pretrained(tmp_path / "large")
    vocabulary = tokenizers.load(tmp_path / "large")
    assert large.config.eos_token_id == vocabulary.eos_token_id == whole.eos_token_id
    for text in (*texts[:5], f"<|hint|> {texts[0]}"):
        few = torch.tensor([small(text, add_special_tokens=False)["input_ids"]])
        many = torch.tensor([vocabulary(text, add_special_tokens=False)["input_ids"]])
        assert vocabulary.convert_ids_to_tokens(many[0]) == small.convert_ids_to_tokens(few[0])
        with torch.no_grad():
            ours, theirs = model.eval()(few).logits[0], large.eval()(many).logits[0]
        place = torch.tensor(vocabulary.convert_tokens_to_ids(small.convert_ids_to_tokens(range(len(small)))))
        assert torch.allclose(ours[:, : len(small)], theirs[:, place], atol=1e-5)
        left_out = torch.ones(theirs.shape[1], dtype=torch.bool)
        left_out[place] = False
        assert torch.allclose(theirs[:, left_out], ours[:, -1:].expand(-1, int(left_out.sum())), atol=1e-5)


def saved(tokenizer, folder):
    tokenizer.save_pretrained(folder)
    return folder


def test_a_word_tokenizer_has_nothing_to_leave_out():
    with pytest.raises(checks.ConfigError, match=r"tokenizer.compact=true"):
        checks.check(RunConfig(tokenizer=TokenizerConfig("word", compact=True)))
