"""Questions about facts in both orders, and the right answer against all others, on a small lab."""

import json

import numpy as np
import pandas as pd
import pins
import pytest
from published_folder import write_published
from transformers import AutoModelForCausalLM, AutoTokenizer

from data_gen.errors import ConfigError
from data_gen.facts import cures
from data_gen.facts.fact import BOTH, RANDOM, REVERSE, SAME, TOLD
from data_gen.questions.question import Question
from physics_lm.data import encoding, tokenizers
from physics_lm.data.fact_tokens import FactData
from physics_lm.inference import answer_logprobs, exact_match
from physics_lm.plan import plan
from physics_lm.probes import reversal
from physics_lm.probes.reversal_logprob import question_groups, rank_answer
from physics_lm.run import execute
from physics_lm.store.artifacts import Store

FACTS = ("corpus=single", "facts=names", "probe=reversal")
LEARNED = ("facts.paraphrases=30", "finetune.steps=400", "finetune.lr=1e-2", "finetune.batch=32")


@pytest.fixture(scope="module")
def learned(smoke, tmp_path_factory):
    """Return the lab, config and rows of a run fine-tuned on facts until it knows them."""
    lab = tmp_path_factory.mktemp("facts")
    config = smoke(*FACTS, *LEARNED)
    return lab, config, pd.read_parquet(execute(config, lab) / "rows.parquet")


def test_every_question_is_a_row(learned):
    _, config, rows = learned
    questions = [q for q in FactData(config).facts.questions if q.task != RANDOM]
    assert rows[["task", "person", "attribute", "prompt", "gold"]].to_numpy().tolist() == [
        [q.task, q.person, q.attribute, q.prompt, q.gold] for q in questions
    ]
    assert rows["fact"].str.fullmatch(r"[0-9a-f]{64}").all()
    assert (rows["candidates"] == 4).all()


def test_what_is_told_is_learned_and_what_is_not_is_not(learned):
    _, _, rows = learned
    shares = rows.groupby("task")["correct"].mean()
    assert shares[TOLD] > 0.8
    assert shares[SAME] > 0.5
    assert shares[REVERSE] <= 0.25


def test_no_word_is_unknown_to_the_fine_tuned_model(learned):
    lab, config, rows = learned
    vocabulary = tokenizers.load(Store(lab).folder(plan(config)["finetune"]))
    ids = vocabulary([f"{p} {g}" for p, g in zip(rows["prompt"], rows["gold"], strict=True)])["input_ids"]
    assert vocabulary.unk_token_id not in {token for row in ids for token in row}


def test_a_finetune_on_facts_learns_every_token_of_their_sentences(learned, batches_of):
    _, config, _ = learned
    data, feed = FactData(config), batches_of(config, "finetune")
    inputs, labels = feed(0).values()
    assert (labels[:, 0] == -100).all()
    kept = labels != -100
    assert (labels[kept] == inputs[kept]).all()
    assert kept.sum(axis=1).max() == inputs.shape[1] - 1
    lengths = {len(q.text.split()) for q in data.facts.training}
    assert {int(n) - 2 for n in kept.sum(axis=1)} <= lengths


def test_arms_share_the_base_and_biographies_keep_their_keys(smoke):
    plain, finetuned = plan(smoke("corpus=single")), plan(smoke(*FACTS))
    assert plain.get("facts") is None
    assert (plain["corpus"], plain.tokenizer, plain["pretrain"]) == (
        finetuned["corpus"],
        finetuned.tokenizer,
        finetuned["pretrain"],
    )
    cured = plan(smoke(*FACTS, "facts.cure=entity"))
    assert (cured["pretrain"], cured["finetune"]) != (finetuned["pretrain"], finetuned["finetune"])
    scratch = plan(smoke(*FACTS, "pretrain.facts=true", "finetune=none"))
    assert scratch["pretrain"] != finetuned["pretrain"]
    assert scratch["corpus"] == finetuned["corpus"]


def test_the_facts_are_kept_beside_the_corpus(learned):
    lab, config, _ = learned
    folder = Store(lab).folder(plan(config)["facts"])
    sentences = [json.loads(line) for line in (folder / "told.jsonl").read_text().splitlines()]
    assert len(sentences) == 4 * (30 + 30 + 60)
    assert (folder / "added.txt").read_text() == ""


@pytest.mark.parametrize("cure", ["token", "word", "entity", "segment", "identity"])
def test_every_cure_is_read(smoke, batches_of, tmp_path, cure):
    config = smoke(*FACTS, f"facts.cure={cure}", "pretrain.steps=2", "finetune.batch=64")
    data = FactData(config)
    feed = batches_of(config, "finetune")
    vocabulary = data.extend(tokenizers.load(Store(tmp_path).folder(plan(config).tokenizer)))
    ids = data.ids(vocabulary)
    assert len(ids) == 2 * len(data.facts.training)
    assert vocabulary.unk_token_id not in {token for row in ids for token in row}
    read = {
        tuple(row[label != -100][:-1]) for step in range(4) for row, label in zip(*feed(step).values(), strict=True)
    }
    assert read == {tuple(row) for row in ids}
    if cure == "segment":
        assert any(vocabulary.convert_tokens_to_ids(cures.SEGMENT_MARK) in row for row in ids)


def test_facts_are_read_among_the_entries_from_the_start(smoke, batches_of, tmp_path):
    config = smoke(*FACTS, "pretrain.facts=true", "finetune=none", "pretrain.steps=40")
    feed, data = batches_of(config, "pretrain"), FactData(config)
    folder = Store(tmp_path).folder(plan(config).tokenizer)
    vocabulary = data.extend(tokenizers.load(folder))
    read = vocabulary.decode([token for step in range(40) for row in feed(step)["input_ids"] for token in row])
    texts = {text.strip() for text in read.split(vocabulary.eos_token)}
    assert {q.text for q in data.facts.training} <= texts
    assert any("born" in text for text in texts)


def test_a_model_that_has_not_read_the_facts_can_be_asked(learned, smoke):
    lab, config, _ = learned
    base = smoke(*FACTS, "finetune=none")
    rows = pd.read_parquet(execute(base, lab) / "rows.parquet")
    assert len(rows) > 0
    assert not rows[rows["task"] == SAME]["correct"].any()


def test_every_answer_after_every_prompt_scores_as_if_asked_alone(learned):
    lab, config, _ = learned
    folder = Store(lab).folder(plan(config)["finetune"])
    model, vocabulary = AutoModelForCausalLM.from_pretrained(folder), AutoTokenizer.from_pretrained(folder)
    questions = [q for q in FactData(config).facts.questions if q.task == SAME][:5]
    prompts, answers = [q.prompt for q in questions], [*(q.gold for q in questions), "the.", "born"]
    logprob = answer_logprobs.log_probabilities(model, vocabulary, prompts, answers)
    questions = [Question("x", 0, "y", "test", prompt, answer) for prompt in prompts for answer in answers]
    scores = exact_match.score(model, vocabulary, encoding.encode(vocabulary, questions), 16)
    np.testing.assert_allclose(logprob.ravel(), [score.gold_logprob for score in scores], atol=1e-4)


def test_the_right_answer_is_compared_with_all_others():
    ranking = rank_answer(np.array([-3.0, -1.0, -2.0, -7.0]), 2)
    assert (ranking["best"], ranking["correct"], ranking["rank"], ranking["candidates"], ranking["gold_logprob"]) == (
        1,
        False,
        2,
        4,
        -2,
    )
    others = np.array([-3.0, -1.0, -7.0])
    assert ranking["z"] == pytest.approx((-2 - others.mean()) / others.std(ddof=1))


def test_a_group_asks_every_fact_once_by_one_paraphrase(learned):
    facts = FactData(learned[1]).facts
    groups = question_groups(facts)
    assert len(groups) == 2 * 2 * 2  # orders of training, orders of the questions, paraphrases
    for (task, subset, _), questions in groups.items():
        assert {facts.facts[q.person].subset for q in questions} == {subset} != {BOTH}
        assert len({q.person for q in questions}) == len(questions) == 4
        assert {q.task for q in questions} == {task}


def test_log_probabilities_see_the_order_told(learned, smoke):
    lab, config, exact = learned
    questions = smoke(*FACTS, "probe=reversal_logprob", *LEARNED)
    assert plan(questions)["finetune"] == plan(config)["finetune"]
    rows = pd.read_parquet(execute(questions, lab) / "rows.parquet")
    same, reverse = rows[rows["task"] == SAME], rows[rows["task"] == REVERSE]
    assert same["correct"].mean() > 0.8
    assert same["z"].mean() > 1
    assert reverse["other_logprob"].notna().all()
    assert (rows["rank"] >= 1).all()
    assert (rows["correct"] == (rows["rank"] == 1)).all()
    both = rows.merge(exact, on=["task", "person", "prompt", "gold"])
    np.testing.assert_allclose(both["gold_logprob_x"], both["gold_logprob_y"], atol=1e-3)


def test_the_published_folder_goes_all_the_way_with_one_override(smoke, tmp_path):
    folder = tmp_path / "published"
    folder.mkdir()
    write_published(folder)
    config = smoke(*FACTS, f"facts.folder={folder}", "pretrain.steps=2", "finetune.steps=2")
    rows = pd.read_parquet(execute(config, tmp_path / "lab") / "rows.parquet")
    assert {"Ada Quill", "Cy Mott"} <= set(rows["gold"])
    assert (rows[rows["task"] == REVERSE]["candidates"] == 2).all()
    assert not rows.astype(str).apply(lambda column: column.str.contains(str(tmp_path), regex=False)).to_numpy().any()
    logprob = smoke(*FACTS, "probe=reversal_logprob", f"facts.folder={folder}", "pretrain.steps=2", "finetune.steps=2")
    assert len(pd.read_parquet(execute(logprob, tmp_path / "lab") / "rows.parquet")) == 2 + 4 + 4 + 2
    before = plan(config)["finetune"]
    (folder / "p2d_prompts_train.jsonl").write_text(
        (folder / "p2d_prompts_train.jsonl").read_text().replace("fog", "mist")
    )
    assert plan(config)["finetune"] != before


@pytest.mark.parametrize(
    ("overrides", "named"),
    [
        (("probe=reversal",), "probe.kind=reversal: needs facts"),
        (("pretrain.facts=true",), "pretrain.facts=true: needs facts"),
        (("facts=names", "facts.cure=prayer"), "facts.cure=prayer"),
        (("facts=names", "facts.folder=nowhere"), "facts.folder=nowhere"),
    ],
)
def test_facts_that_cannot_be_had_are_refused_before_any_work(smoke, tmp_path, overrides, named):
    with pytest.raises(ConfigError) as refused:
        execute(smoke(*overrides), tmp_path / "lab")
    assert named in str(refused.value)
    assert not (tmp_path / "lab").exists()


def test_the_version_and_its_rows_change_together(learned):
    _, _, rows = learned
    assert pins.pinned(reversal, pins.exact(rows, ["fact", "candidates"])) == (2, "72d9e85ac1451296")
