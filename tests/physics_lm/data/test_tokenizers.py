from pathlib import Path

import pytest
from transformers import AutoTokenizer, PreTrainedTokenizerBase

from data_gen.biographies import rendering, sentence_templates
from data_gen.errors import ConfigError
from data_gen.people.attributes import ATTRIBUTES
from physics_lm.config.tokenizer import TokenizerConfig
from physics_lm.data import tokenizers


@pytest.fixture(scope="module")
def texts(lab):
    return [entry.text for entry in lab.entries] + [question.text for question in lab.questions]


@pytest.fixture(scope="module", params=["word", "bpe"])
def tokenizer(request, lab, texts) -> PreTrainedTokenizerBase:
    lexicon = list(rendering.lexicon(lab.world, lab.config.corpus))
    return tokenizers.train(TokenizerConfig(request.param, 600), texts + lexicon)


def values(world):
    return [(attribute, value) for attribute in ATTRIBUTES for value in world.pools[attribute.name]]


def test_a_value_has_the_same_tokens_in_an_entry_and_alone(lab, tokenizer):
    tokens = tokenizers.token_function(tokenizer)
    for number, (attribute, value) in enumerate(values(lab.world)):
        templates = sentence_templates.load_first(attribute.name, 8)
        sentence = templates[number % 8].render("She", value, "She")
        start, end = sentence.value
        parts = [sentence.text[:start].rstrip(), value, sentence.text[end:]]
        assert tokens(sentence.text)[len(tokens(parts[0])) :][: len(tokens(value))] == tokens(value), sentence.text
        assert tokens(sentence.text)[: len(tokens(parts[0]))] == tokens(parts[0]), sentence.text


def test_a_value_has_the_same_tokens_in_a_question_and_alone(lab, tokenizer):
    tokens = tokenizers.token_function(tokenizer)
    name = lab.world.name(0)
    for attribute, value in values(lab.world):
        prompt = f"{attribute.question.format(name=name)} Answer:"
        assert tokens(f"{prompt} {value}.") == [*tokens(prompt), *tokens(value), *tokens(f"{value}.")[-1:]]


def test_decoding_gives_the_text_back(tokenizer, texts):
    for text in texts:
        assert tokenizer.decode(tokenizer(text)["input_ids"]).strip() == text


def test_word_knows_every_value_and_template(lab):
    config = lab.config.corpus
    tokenizer = tokenizers.train(TokenizerConfig("word"), rendering.lexicon(lab.world, config))
    for entry in lab.entries:
        assert tokenizer.unk_token_id not in tokenizer(entry.text)["input_ids"]


def test_a_saved_tokenizer_loads_with_plain_transformers(tokenizer, texts, tmp_path):
    tokenizer.save_pretrained(tmp_path)
    loaded = AutoTokenizer.from_pretrained(tmp_path)
    assert loaded(texts)["input_ids"] == tokenizer(texts)["input_ids"]
    assert (loaded.eos_token_id, loaded.pad_token_id) == (tokenizer.eos_token_id, tokenizer.pad_token_id)
    assert len(loaded) == len(tokenizer)


def test_a_checkpoint_holds_the_tokenizer_it_was_trained_with(lab):
    text = lab.entries[0].text
    alone = AutoTokenizer.from_pretrained(lab.folder("tokenizer"))(text)["input_ids"]
    for step in ("pretrain", "finetune"):
        assert AutoTokenizer.from_pretrained(lab.folder(step))(text)["input_ids"] == alone


MORE = ["Was she born in an even month? <|hint|> Answer: May. no.", "Zoë? <|direct|> Answer: yes.", "<|mask|> zzz"]


def test_words_and_marks_that_are_added_one_after_the_other_have_an_id_each(tokenizer, texts, tmp_path: Path):
    first = tokenizer.get_vocab()
    for number, text in enumerate(MORE):
        tokenizer = tokenizers.extend(tokenizer, [text])
        tokenizer.save_pretrained(tmp_path / str(number))
        tokenizer = tokenizers.load(tmp_path / str(number))
    vocabulary = tokenizer.get_vocab()
    assert sorted(vocabulary.values()) == list(range(len(tokenizer)))
    assert {word: vocabulary[word] for word in first} == first
    for text in [*texts, *MORE]:
        ids = tokenizer(text, add_special_tokens=False)["input_ids"]
        assert tokenizer.decode(ids).replace(" ", "") == text.replace(" ", "")
    marks = tokenizer.convert_tokens_to_ids(["<|hint|>", "<|direct|>", "<|mask|>"])
    for text, mark in zip(MORE, marks, strict=True):
        assert tokenizer(text, add_special_tokens=False)["input_ids"].count(mark) == 1


def test_bpe_keeps_to_its_size_and_spells_what_it_never_saw(tokenizer, texts):
    small = tokenizers.train(TokenizerConfig("bpe", 300), texts)
    assert len(small) == 300
    odd = "Zoë Ångström, 東京."
    assert small.decode(small(odd)["input_ids"]).strip() == odd


def test_gpt2_without_network_is_refused_in_one_line(monkeypatch):
    def offline(*args, **kwargs):
        raise OSError("We couldn't connect to 'https://huggingface.co'\nto load the files")

    monkeypatch.setattr(AutoTokenizer, "from_pretrained", offline)
    with pytest.raises(ConfigError, match="tokenizer=gpt2") as refused:
        tokenizers.train(TokenizerConfig("gpt2"), [])
    assert "\n" not in str(refused.value)
    assert "tokenizer=word" in str(refused.value)


def test_an_unknown_kind_is_refused():
    with pytest.raises(ConfigError, match="tokenizer.kind=char"):
        tokenizers.train(TokenizerConfig("char"), ["a"])


def test_load_reads_what_was_saved(tokenizer, tmp_path: Path):
    tokenizer.save_pretrained(tmp_path)
    assert tokenizers.load(tmp_path).get_vocab() == tokenizer.get_vocab()
