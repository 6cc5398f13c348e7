"""Questions: families found by name, and extraction in the paper's forms."""

import pins
import pytest
from small_worlds import SINGLE, render_entries, small_world

from data_gen import kinds, questions
from data_gen.config import QuestionConfig
from data_gen.errors import ConfigError
from data_gen.people.attributes import NAMES
from data_gen.questions import extraction
from data_gen.questions.question import SPLITS

FORMS = {
    "birth_date": "What is the birth date of NAME? Answer:",
    "birth_city": "What is the birth city of NAME? Answer:",
    "university": "Which university did NAME study? Answer:",
    "major": "What major did NAME study? Answer:",
    "employer": "Which company did NAME work for? Answer:",
    "company_city": "Where did NAME work? Answer:",
}


@pytest.fixture(scope="module")
def world():
    return small_world(50, first_person=7)


@pytest.fixture(scope="module")
def by_split(world):
    return {split: questions.generate(world, QuestionConfig("extraction"), split) for split in ("train", "test")}


def test_forms_are_the_papers(world, by_split):
    question = by_split["train"]
    name = world.name(question[0].person - 7)
    assert {q.attribute: q.prompt for q in question[:6]} == {a: f.replace("NAME", name) for a, f in FORMS.items()}


def test_gold_is_the_value_and_a_full_stop(world, by_split):
    for question in by_split["train"] + by_split["test"]:
        assert question.gold == world.value(question.attribute, question.person - 7) + "."
        assert question.gold.count(".") == 1


def test_text_joins_prompt_and_gold_by_one_space(by_split):
    question = by_split["test"][3]
    assert question.text == f"{question.prompt} {question.gold}"
    assert "  " not in question.text
    assert "Answer: " in question.text


def test_value_follows_a_space_as_in_the_entries(world, by_split):
    # so that it tokenises the same in both
    entry = render_entries(world, SINGLE)[0]
    assert {entry.text[span.start - 1] for span in entry.spans} == {" "}
    assert all(q.text[len(q.prompt)] == " " and q.text[len(q.prompt) + 1 :] == q.gold for q in by_split["train"])


def test_train_and_test_people_are_apart_and_together_everybody(by_split):
    people = {split: {question.person for question in group} for split, group in by_split.items()}
    assert not people["train"] & people["test"]
    assert people["train"] | people["test"] == set(range(7, 57))


def test_everyone_is_asked_every_attribute_once_in_order(by_split):
    for split, group in by_split.items():
        assert [q.attribute for q in group] == list(NAMES) * (len(group) // 6)
        assert {q.split for q in group} == {split}
        assert len({(q.person, q.attribute) for q in group}) == len(group)


def test_no_prompt_is_asked_twice(by_split):
    prompts = [question.prompt for group in by_split.values() for question in group]
    assert len(set(prompts)) == len(prompts) == 300


def test_families_are_found_by_name():
    assert kinds.names("data_gen.questions") == ["classification", "comparison", "extraction", "inverse", "retrieval"]
    questions.check(QuestionConfig("extraction"), small_world().config)


def test_questions_are_the_extraction_ones_unless_said_otherwise(world, by_split):
    assert questions.generate(world, QuestionConfig(), "test") == by_split["test"]


def test_unknown_family_is_refused_with_the_known_ones():
    for refusing in (
        lambda config: questions.check(config, small_world().config),
        lambda config: questions.generate(small_world(), config, "test"),
    ):
        with pytest.raises(ConfigError, match=r"questions\.family=riddles: choose one of .*extraction"):
            refusing(QuestionConfig("riddles"))


def test_people_held_out_are_asked_apart_and_never_trained_on(world, by_split):
    config = QuestionConfig("extraction", held_share=0.3)
    train, held, test = (questions.generate(world, config, split) for split in SPLITS)
    assert test == by_split["test"]
    assert {q.split for q in held} == {"held"}
    assert sorted((q.person, q.attribute) for q in train + held) == sorted(
        (q.person, q.attribute) for q in by_split["train"]
    )
    held_people = {q.person for q in held}
    assert held_people
    assert not held_people & {q.person for q in train}
    more = {q.person for q in questions.generate(world, QuestionConfig("extraction", held_share=0.6), "held")}
    assert held_people < more


def test_nobody_is_held_out_unless_asked_for(world):
    assert questions.generate(world, QuestionConfig(), "held") == []


@pytest.mark.parametrize("share", [-0.1, 1.0, float("nan"), 0.9999])
def test_an_impossible_share_of_held_people_is_refused(world, share):
    with pytest.raises(ConfigError, match=r"questions\.held_share="):
        questions.generate(world, QuestionConfig(held_share=share), "train")


def test_the_version_and_its_questions_change_together():
    asked = [q for split in SPLITS for q in questions.generate(small_world(12), QuestionConfig(held_share=0.3), split)]
    assert pins.pinned(extraction, pins.questions(asked)) == (1, "7c00bc6d943627ce")
