import math

import pandas as pd
import pins
import pytest
import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

from data_gen import kinds
from data_gen.errors import ConfigError
from data_gen.people.attributes import NAMES
from physics_lm import probes, results
from physics_lm.config import columns
from physics_lm.config.probe import ProbeConfig
from physics_lm.inference import item_rows
from physics_lm.inference.reader import SPARE_TOKENS
from physics_lm.probes import extraction


@pytest.fixture(scope="module")
def rows(lab):
    return results.load(lab.path)


def test_there_is_a_row_per_question_and_per_told_value(lab, rows):
    world, entries = lab.world, lab.entries
    counts = rows.groupby(["task", "split"]).size()
    for split in ("train", "test"):
        people = sum(world.split(row) == split for row in range(len(world)))
        described = sum(world.split(entry.person_id) == split for entry in entries)
        assert counts["extraction", split] == 6 * people
        assert counts["biography", split] == 6 * described
    assert set(rows["probe"]) == {"extraction"}
    assert set(rows["run"]) == {lab.plan["probe"].key}


def test_every_question_is_asked_once_with_its_gold(lab, rows):
    answers = rows[rows["task"] == "extraction"]
    items = list(
        zip(answers["person"], answers["attribute"], answers["split"], answers["prompt"], answers["gold"], strict=True)
    )
    assert items == [(q.person, q.attribute, q.split, q.prompt, q.gold) for q in lab.questions]


def test_a_reading_is_the_text_before_a_value_and_the_value(lab):
    values = list(item_rows.value_questions([lab.world], lab.entries))
    assert len(values) == 6 * len(lab.entries)
    texts = {entry.text for entry in lab.entries}
    for item in values:
        assert item.task == "biography"
        assert item.gold == lab.world.value(item.attribute, item.person)
        assert item.split == lab.world.split(item.person)
        assert any(text.startswith(f"{item.prompt} {item.gold}") for text in texts)


def test_the_splits_share_nobody(rows):
    people = {split: set(group["person"]) for split, group in rows.groupby("split")}
    assert not people["train"] & people["test"]
    assert set(rows["attribute"]) == set(NAMES)


def test_a_row_agrees_with_itself(rows):
    assert (rows["correct"] == (rows["tokens"] == rows["tokens_correct"])).all()
    assert (rows["tokens"] > 0).all()
    assert (rows["gold_logprob"] < 0).all()
    assert rows["gold_logprob"].map(math.isfinite).all()
    assert (rows["correct"] == (rows["prediction"] == rows["gold"])).all()


def test_the_rows_are_of_the_finetuned_model(lab, rows):
    """The gold's log-probability again, with plain transformers and the saved folder."""
    folder = lab.folder("finetune")
    tokenizer, model = AutoTokenizer.from_pretrained(folder), AutoModelForCausalLM.from_pretrained(folder).eval()
    for _, row in rows[rows["task"] == "extraction"].iloc[::29].iterrows():
        head, tail = tokenizer(row["prompt"])["input_ids"], tokenizer(row["gold"])["input_ids"]
        ids = [tokenizer.eos_token_id, *head, *tail]
        with torch.no_grad():
            logprob = model(input_ids=torch.tensor([ids])).logits[0].log_softmax(-1)
        expected = sum(logprob[place - 1, ids[place]].item() for place in range(1 + len(head), len(ids)))
        assert row["gold_logprob"] == pytest.approx(expected, abs=1e-3)


def test_a_wrong_answer_is_what_the_finetuned_model_writes(lab, rows):
    """Greedy decoding again, token by token, with plain transformers and the saved folder."""
    folder = lab.folder("finetune")
    tokenizer, model = AutoTokenizer.from_pretrained(folder), AutoModelForCausalLM.from_pretrained(folder).eval()
    wrong = rows[(rows["task"] == "extraction") & ~rows["correct"]]
    longest = wrong["tokens"].max() + SPARE_TOKENS
    for _, row in wrong.iloc[::29].iterrows():
        ids = [tokenizer.eos_token_id, *tokenizer(row["prompt"])["input_ids"]]
        written = []
        while len(written) < longest and tokenizer.eos_token_id not in written:
            with torch.no_grad():
                written.append(int(model(input_ids=torch.tensor([ids + written])).logits[0, -1].argmax()))
        assert row["prediction"] == tokenizer.decode(written, skip_special_tokens=True).strip()
    assert len(wrong) > 29


def test_the_settings_are_columns(lab, rows):
    for name in ("seed", "corpus.name", "corpus.entries", "model.kind", "pretrain.steps", "finetune.method"):
        assert rows[name].nunique() == 1
        assert rows[name].iloc[0] == columns.settings_columns(lab.config)[name]


def test_no_column_holds_a_time_or_a_path(lab, rows):
    for name, column in rows.items():
        assert not pd.api.types.is_datetime64_any_dtype(column), name
        assert not column.astype(str).str.contains(str(lab.path), regex=False).any(), name
    assert not {name for name in rows if any(word in name for word in ("time", "date", "seconds", "created", "lab"))}


def test_an_unknown_probe_is_refused():
    assert "extraction" in kinds.names("physics_lm.probes")
    with pytest.raises(ConfigError, match=r"probe\.kind=mind: choose one of .*extraction"):
        probes.load(ProbeConfig("mind"))


def test_the_version_and_its_rows_change_together(lab):
    rows = pins.exact(pd.read_parquet(lab.folder("probe") / "rows.parquet"))
    assert pins.pinned(extraction, rows) == (2, "1189713a6c3afc95")
