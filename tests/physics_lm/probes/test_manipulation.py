"""The manipulation probe: rows with a hint and without, the hint judged apart from the answer."""

import pandas as pd
import pins
import pytest

from data_gen.questions.question import Question
from physics_lm.inference.exact_match import Score
from physics_lm.plan import plan
from physics_lm.probes import manipulation
from physics_lm.run import execute
from physics_lm.store.artifacts import Store

SCORE = Score("", 5, 3, -2.5, 0.1)


@pytest.fixture(scope="module")
def classified(smoke, tmp_path_factory):
    """Return the config, lab and rows of one run on classification with hints."""
    folder = tmp_path_factory.mktemp("classified")
    learned = ("finetune.steps=150", "finetune.lr=5e-3")
    config = smoke("questions=classification", "questions.hint=half", "probe=manipulation", *learned)
    return config, folder, pd.read_parquet(execute(config, folder) / "rows.parquet")


def question(hint, gold="no.", **more):
    return Question(
        "month_ranking", 3, "birth_date", "test", "Was A later than B? <|hint|> Answer:", gold, hint, **more
    )


@pytest.mark.parametrize(
    ("text", "answer", "correct", "hint_correct", "facts"),
    [
        ("May; June. no.", "no.", True, True, (True, True)),
        ("May; May. no.", "no.", True, False, (True, False)),
        ("June; June. yes.", "yes.", False, False, (False, True)),
        ("no.", "no.", True, False, (False, False)),
        ("May; June.", "May; June.", False, False, (False, False)),
        ("", "", False, False, (False, False)),
        ("May; June; July. no.", "no.", True, False, (True, True)),
    ],
)
def test_hint_and_answer_are_judged_apart(text, answer, correct, hint_correct, facts):
    row = manipulation.manipulation_row(question("May; June.", other=4), SCORE, text, "manipulation")
    assert (row["prediction"], row["correct"], row["hint_correct"]) == (answer, correct, hint_correct)
    assert (row["first_correct"], row["second_correct"]) == facts
    assert row["hinted"]
    assert row["gold_logprob"] == -2.5


def test_an_answer_without_a_hint_is_taken_whole():
    combined = Question("birth_city_and_employer", 3, "birth_city", "test", "What are? Answer:", "Austin, TX; A. B.")
    row = manipulation.manipulation_row(combined, SCORE, "Austin, TX; A. B.", "manipulation")
    assert row["correct"]
    assert not any(row[name] for name in ("hinted", "hint_correct", "first_correct", "hint_prediction"))


def test_a_hint_for_one_person_has_one_fact():
    row = manipulation.manipulation_row(question("May."), SCORE, "May. no.", "manipulation")
    assert (row["first_correct"], row["second_correct"]) == (True, False)
    assert row["hint_correct"]


def test_there_is_a_row_per_measured_question(classified):
    config, _, rows = classified
    counts = rows.groupby(["split", "task", "hinted", "wording"]).size()
    people = rows.groupby("split")["person"].nunique()
    assert counts["test"].eq(people["test"]).all()
    assert counts["train"].eq(people["train"]).all()
    assert set(rows[rows["split"] == "train"]["wording"]) == {0}
    assert set(rows[rows["split"] == "test"]["wording"]) == {0, 2}
    assert rows["heldout"].eq(rows["wording"] == 2).all()
    assert rows["hinted"].mean() == 0.5
    assert set(rows["questions.hint"]) == {"half"}
    assert (rows["hint"] != "").eq(rows["hinted"]).all()


def test_right_is_what_the_row_itself_shows(classified):
    _, _, rows = classified
    assert rows["correct"].eq(rows["prediction"] == rows["gold"]).all()
    assert rows["hint_correct"].eq(rows["hinted"] & (rows["hint_prediction"] == rows["hint"])).all()
    assert rows["chance"].between(0, 1, inclusive="neither").all()
    assert rows["correct"].any()


def test_the_marks_are_tokens_of_their_own(classified):
    from physics_lm.data import tokenizers

    config, folder, rows = classified
    tokenizer = tokenizers.load(Store(folder).folder(plan(config)["finetune"]))
    for prompt in (rows[rows["hinted"]]["prompt"].iloc[0], rows[~rows["hinted"]]["prompt"].iloc[0]):
        tokens = tokenizer.tokenize(prompt)
        assert [token.strip() for token in tokens if "<|" in token] == [prompt.split()[-2]]
        assert tokenizer.unk_token not in tokens


def test_mixed_training_knows_the_words_of_its_questions(smoke, tmp_path, batches_of):
    """Words that only the questions hold are added before pretraining, and the saved tokenizer has them."""
    from physics_lm.data import tokenizers

    config = smoke(
        "corpus=multi2",
        "questions=inverse",
        "probe=manipulation",
        "pretrain=mixed",
        "finetune=none",
        "pretrain.steps=4",
    )
    rows = pd.read_parquet(execute(config, tmp_path) / "rows.parquet")
    assert set(rows["task"]) >= {"bdate_to_full", "all_to_first"}
    tokenizer = tokenizers.load(Store(tmp_path).folder(plan(config)["pretrain"]))
    assert tokenizer.unk_token not in tokenizer.tokenize(" ".join(rows["prompt"]))
    assert rows[rows["task"] == "bdate_to_full"]["ceiling"].between(0, 1).all()


def test_the_version_and_its_rows_change_together(classified):
    rows = pins.exact(classified[2], ["wording", "heldout", "hinted", "hint", "chance"])
    assert pins.pinned(manipulation, rows) == (2, "c20b0798f0c49586")
