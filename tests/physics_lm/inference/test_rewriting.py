"""A tiny instruct model, made here, writes the entries of half of the people right and the others' wrong."""

from dataclasses import replace
from types import SimpleNamespace

import pandas as pd
import pytest
import torch
from kind_configs import model_config

from data_gen.biographies import recipes, rendering
from data_gen.corpus import storage
from data_gen.errors import ConfigError
from data_gen.people import world
from data_gen.questions import question
from physics_lm import models
from physics_lm.config.rewrite import RewriteConfig
from physics_lm.config.tokenizer import TokenizerConfig
from physics_lm.config.training import TrainConfig
from physics_lm.data import encoding, ragged, tokenizers
from physics_lm.data.batches import QuestionBatches
from physics_lm.inference import rewriting
from physics_lm.plan import plan
from physics_lm.run import execute
from physics_lm.store.artifacts import Store
from physics_lm.training.loop import Training

KNOWN = 4
CHAT = "{% for turn in messages %}User: {{ turn['content'] }} Writer:{% endfor %}"


@pytest.fixture(scope="module")
def originals(smoke):
    config = smoke("corpus=single", "world.people=8", "world.pools.employer=14")
    people = world.make(config.world, config.seed)
    return people, list(rendering.render(people, config.corpus, recipes.draw(people, config.corpus)))


@pytest.fixture(scope="module")
def writer(originals, tmp_path_factory):
    """Return the folder of a model that has learned to answer the prompts with the entries reversed."""
    people, entries = originals
    answers = [backwards(entry) for entry in entries]
    answers[KNOWN:] = [answer.rpartition(" in ")[0] + "." for answer in answers[KNOWN:]]
    by_attempt = [rewriting.prompts(people, entries, 50, attempt) for attempt in range(2)]
    items = [
        question.Question("rewrite", entry.person_id, "", "train", f"User: {prompt} Writer:", answer)
        for prompts in by_attempt
        for entry, prompt, answer in zip(entries, prompts, answers, strict=True)
    ]
    vocabulary = tokenizers.train(TokenizerConfig("word"), [item.text for item in items])
    vocabulary.chat_template = CHAT
    encoded = encoding.encode(vocabulary, items)
    # without the end token before the prompt: a chat template has none
    sequences = ragged.join([encoded.sequences[n][1:-1].tolist() for n in range(len(items))], vocabulary.eos_token_id)
    feed = QuestionBatches(sequences, encoded.start - 1, len(items), 0, vocabulary.eos_token_id)
    model = models.build(model_config("gpt2", 2, 64, 4, 256), len(vocabulary), vocabulary.eos_token_id, 0)
    settings = TrainConfig(steps=150, batch=len(items), lr=5e-3, optimizer="muon", warmup=10, save_every=999)
    folder = tmp_path_factory.mktemp("writer")
    Training(model, feed, replace(settings, precision="fp32"), tmp_path_factory.mktemp("state")).run("test")
    model.save_pretrained(folder)
    vocabulary.save_pretrained(folder)
    return folder


def backwards(entry):
    """Return an entry's sentences in reverse order, the name at the end."""
    name = " ".join(entry.text.split()[:3])
    return " ".join(reversed([part.strip() + "." for part in entry.text.split(".")[:-1]])) + f" This is {name}."


def config_of(smoke, writer, *overrides):
    words = ["corpus=single", "world.people=8", f"rewrite.path={writer}", "rewrite.temperature=0", "rewrite.tries=2"]
    return smoke(*words, "rewrite.batch=3", *overrides)


@pytest.fixture(scope="module")
def rewritten(smoke, writer, tmp_path_factory):
    lab = tmp_path_factory.mktemp("rewritten")
    config = config_of(smoke, writer)
    return lab, config, pd.read_parquet(execute(config, lab) / "rows.parquet")


def entries_of(lab, spec):
    return list(storage.read(Store(lab).folder(spec)))


def test_only_texts_with_the_name_and_all_six_values_are_kept(rewritten, originals):
    lab, config, _ = rewritten
    people, before = originals
    chain = plan(config)
    kept = entries_of(lab, chain["rewrite"])
    assert [entry.person_id for entry in kept] == list(range(KNOWN))
    for entry, old in zip(kept, before[:KNOWN], strict=True):
        assert entry.text == backwards(old)
        assert {s.attribute: entry.text[s.start : s.end] for s in entry.spans} == {
            s.attribute: old.text[s.start : s.end] for s in old.spans
        }
    manifest = Store(lab).manifest(chain["rewrite"])
    assert (manifest["entries"], manifest["of"], manifest["people_left_out"]) == (KNOWN, 8, 8 - KNOWN)
    assert entries_of(lab, chain["corpus"]) == before


def test_the_rewritten_entries_are_what_is_read_and_probed(rewritten):
    lab, config, rows = rewritten
    values = rows[rows["task"] == "biography"]
    assert set(values["person"]) == set(range(KNOWN))
    assert rows[rows["task"] == "extraction"]["person"].nunique() == 8
    plain = plan(replace(config, rewrite=RewriteConfig()))
    assert plain["corpus"] == plan(config)["corpus"]
    assert plain.tokenizer != plan(config).tokenizer


def test_a_killed_rewriting_asks_for_the_rest_only(rewritten, writer, originals, tmp_path, monkeypatch):
    lab, config, _ = rewritten
    people, entries = originals
    model, vocabulary = rewriting.load(config.rewrite)
    real, batches = rewriting.sample, []

    def counted(*args):
        batches.append(len(args[2]))
        if len(batches) == 2:
            raise KeyboardInterrupt
        return real(*args)

    monkeypatch.setattr(rewriting, "sample", counted)
    with pytest.raises(KeyboardInterrupt):
        rewriting.rewrite(model, vocabulary, entries, people, config.rewrite, tmp_path)
    entries_after = rewriting.rewrite(model, vocabulary, entries, people, config.rewrite, tmp_path)
    assert entries_after == entries_of(lab, plan(config)["rewrite"])
    assert batches == [3, 3, 3, 2, 3, 1]  # sampled again: the batch that was stopped, then the four entries that failed


def test_sampling_is_decided_by_the_seed_alone(writer, originals):
    people, entries = originals
    settings = RewriteConfig(path=str(writer), temperature=3.0, tokens=20)
    model, vocabulary = rewriting.load(settings)
    prompts = rewriting.prompts(people, entries, 50, 0)
    torch.manual_seed(1)
    first = rewriting.sample(model, vocabulary, prompts, settings, 5)
    torch.manual_seed(2)
    assert rewriting.sample(model, vocabulary, prompts, settings, 5) == first
    assert rewriting.sample(model, vocabulary, prompts, settings, 6) != first


def test_a_prompt_holds_the_name_and_every_fact_in_the_entrys_order(originals):
    people, entries = originals
    wordings = set()
    for attempt in range(4):
        for entry, prompt in zip(entries, rewriting.prompts(people, entries, 37, attempt), strict=True):
            values = [entry.text[s.start : s.end] for s in entry.spans]
            assert people.name(entry.person_id) in prompt
            assert "about 37 words" in prompt or "37 words or so" in prompt
            places = [prompt.index(value) for value in values]
            assert places == sorted(places) or len(set(values)) < 6
            wordings.add(prompt.replace(people.name(entry.person_id), "")[:12])
    assert len(wordings) > 2


@pytest.mark.parametrize(
    ("change", "kept"),
    [
        (lambda text: f"Sure!\n\n {text} And then", True),
        (lambda text: text.split(" ", 1)[1], False),
        (lambda text: text.replace(".", ""), False),
        (lambda text: text[: text.rindex(" ")] + ".", False),
    ],
)
def test_a_text_is_kept_up_to_its_last_full_stop_or_not_at_all(originals, change, kept):
    people, entries = originals
    accepted = rewriting.accept(change(entries[0].text), entries[0], people)
    assert (accepted is not None) == kept
    if accepted:
        assert accepted.text == f"Sure! {entries[0].text}"


@pytest.mark.parametrize(
    ("overrides", "named"),
    [
        (["rewrite.path=nowhere"], "rewrite.path=nowhere"),
        (["rewrite.tries=0"], "rewrite.tries=0"),
        (["rewrite.words=0"], "rewrite.words=0"),
        (["rewrite.temperature=-1"], "rewrite.temperature=-1"),
    ],
)
def test_bad_settings_are_refused_before_any_work(smoke, tmp_path, overrides, named):
    with pytest.raises(ConfigError, match=named):
        execute(smoke(*overrides), tmp_path / "lab")
    assert not (tmp_path / "lab").exists()


def test_fresh_entries_are_not_rewritten(smoke, writer, tmp_path):
    with pytest.raises(ConfigError, match=r"corpus\.fresh"):
        execute(config_of(smoke, writer, "corpus=multi_infinity_permute"), tmp_path)


def test_a_model_that_never_tells_all_is_refused_before_training(smoke, writer, tmp_path):
    with pytest.raises(ConfigError, match="in none of its texts"):
        execute(config_of(smoke, writer, "rewrite.tokens=3"), tmp_path)
    assert not list(tmp_path.glob("artifacts/pretrain/*"))


def test_a_folder_without_a_model_is_refused(tmp_path):
    (tmp_path / "config.json").write_text("{}")
    with pytest.raises(ConfigError, match="no checkpoint folder"):
        rewriting.load(SimpleNamespace(path=str(tmp_path)))
