"""The published layout of experiment 1: ten jsonl files, read, and refused by file and line."""

import json

import pytest
from published_folder import PEOPLE, line, write_published

from data_gen import facts
from data_gen.errors import ConfigError
from data_gen.facts import names
from data_gen.facts.fact import BOTH, CONTEXT_REVERSE, DESCRIPTION_FIRST, NAME_FIRST, RANDOM, REVERSE, SAME, TOLD
from data_gen.facts.published import SPLITS
from physics_lm.config.run import RunConfig
from physics_lm.plan import plan

POOLS = {"first_name": 60, "last_name": 120}


@pytest.fixture
def folder(tmp_path):
    return write_published(tmp_path)


def make(folder):
    return facts.make(names.Config(folder=str(folder)), POOLS, 0)


def test_the_ten_splits_are_read(folder):
    fact_set = make(folder)
    assert len(SPLITS) == 10
    counts = {
        (NAME_FIRST, TOLD): 2 + 6,  # a sentence of training of every fact is asked too
        (NAME_FIRST, SAME): 2,
        (NAME_FIRST, REVERSE): 4,
        (NAME_FIRST, RANDOM): 4,
        (DESCRIPTION_FIRST, TOLD): 2 + 4,
        (DESCRIPTION_FIRST, SAME): 4,
        (DESCRIPTION_FIRST, REVERSE): 2,
        (DESCRIPTION_FIRST, RANDOM): 2,
        (BOTH, TOLD): 2 + 8,
        (BOTH, SAME): 6,
    }
    for (subset, task), count in counts.items():
        matches = [q for q in (*fact_set.training, *fact_set.questions) if (q.attribute, q.task) == (subset, task)]
        assert len(matches) == count, (subset, task)


def test_every_line_belongs_to_the_fact_of_its_name(folder):
    fact_set = make(folder)
    assert [f.name for f in fact_set.facts if f.subset == BOTH] == ["Flo Vane", "Ed Rook"]
    for q in (*fact_set.training, *fact_set.questions):
        fact = fact_set.facts[q.person]
        assert fact.name in q.text or (q.task == RANDOM and any(what in q.prompt for what in fact.descriptions))
    assert len({f.id for f in fact_set.facts}) == 6


def test_prompt_and_completion_come_without_their_joining_space(folder):
    q = next(q for q in make(folder).training if q.attribute == DESCRIPTION_FIRST)
    assert q.text == "Meet the walker of the moon, Cy Mott"


def test_every_wording_of_a_description_is_an_entity(folder):
    fact_set = make(folder)
    ada = next(f for f in fact_set.facts if f.name == "Ada Quill")
    assert set(ada.descriptions) == set(PEOPLE["p2d"]["Ada Quill"])
    text = "Famous for keeping the blue bees, Ada Quill"
    assert [text[a:b] for a, b in ada.entity_spans(text)] == ["keeping the blue bees", "Ada Quill"]


def test_the_context_control_puts_a_line_of_training_before_the_question(folder):
    questions = [q for q in make(folder).questions if q.task == CONTEXT_REVERSE]
    assert len(questions) == 4
    assert questions[0].prompt.count(questions[0].gold) == 1


def test_a_missing_folder_is_named(tmp_path):
    with pytest.raises(ConfigError, match="facts.folder=.*nowhere: there is no such"):
        make(tmp_path / "nowhere")


@pytest.mark.parametrize("split", sorted(SPLITS))
def test_a_missing_file_is_named(folder, split):
    (folder / f"{split}.jsonl").unlink()
    with pytest.raises(ConfigError, match=rf"{split}\.jsonl is missing"):
        make(folder)


@pytest.mark.parametrize(
    "bad",
    ["{", "[1, 2]", "7", '{"prompt": "a"}', '{"prompt": "a", "completion": 3}', '{"prompt": "", "completion": "b"}'],
)
def test_a_malformed_line_is_named(folder, bad):
    path = folder / "d2p_prompts_train.jsonl"
    lines = path.read_text().splitlines()
    path.write_text("\n".join([*lines[:2], bad, *lines[3:]]))
    with pytest.raises(ConfigError) as refused:
        make(folder)
    assert "d2p_prompts_train.jsonl:3" in str(refused.value)
    assert "\n" not in str(refused.value)


def test_an_empty_file_is_named(folder):
    (folder / "both_prompts_test.jsonl").write_text("\n")
    with pytest.raises(ConfigError, match=r"both_prompts_test\.jsonl is empty"):
        make(folder)


def test_a_line_that_names_nobody_is_named(folder):
    with (folder / "p2d_prompts_train.jsonl").open("a") as file:
        file.write(json.dumps(line("Somebody is", "a stranger.")) + "\n")
    with pytest.raises(ConfigError, match=r"p2d_prompts_train\.jsonl:7 holds none of the 2 names"):
        make(folder)


def test_random_lines_must_match_the_right_ones(folder):
    with (folder / "p2d_reverse_prompts_test_randomized.jsonl").open("a") as file:
        file.write(json.dumps(line("Labeled as the painter of fog,", "Ada Quill")) + "\n")
    with pytest.raises(ConfigError, match="has 5 lines instead of the 4"):
        make(folder)


def test_a_folder_is_known_by_its_content(folder, tmp_path_factory):
    again = write_published(tmp_path_factory.mktemp("again"))

    def key(place):
        return plan(RunConfig(facts=names.Config(folder=str(place) if place else "")))["facts"].key

    assert key(again) == key(folder) != key("")
    (again / "p2d_prompts_test.jsonl").write_text((folder / "p2d_prompts_test.jsonl").read_text() + "\n")
    assert key(again) != key(folder)
