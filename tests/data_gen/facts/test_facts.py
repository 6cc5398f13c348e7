"""Facts trained on in one order: names and descriptions, instructions, and their test questions."""

import hashlib
import json
from dataclasses import replace

import pytest

from data_gen import facts
from data_gen.biographies import sentence_templates
from data_gen.config import FactsConfig
from data_gen.errors import ConfigError
from data_gen.facts import instructions, names
from data_gen.facts.fact import (
    BOTH,
    CONTEXT_REVERSE,
    CONTEXT_SAME,
    DESCRIPTION_FIRST,
    NAME_FIRST,
    RANDOM,
    REVERSE,
    SAME,
    TOLD,
)
from data_gen.facts.instructions import ANSWER_FIRST, QUESTION_FIRST
from data_gen.facts.names import FILES, TRAINING

POOLS = {"first_name": 60, "last_name": 120}
NAMES = names.Config(count=5, paraphrases=4, held_out=3)
PAIRS = instructions.Config(count=9, paraphrases=3, unexampled=4)


@pytest.fixture(scope="module")
def fact_set():
    return facts.make(NAMES, POOLS, 3)


def of_task(sentences, task, subset=None):
    return [q for q in sentences if q.task == task and subset in (None, q.attribute)]


def test_a_third_of_the_facts_each_way_with_names_and_descriptions_of_their_own(fact_set):
    assert [sum(f.subset == s for f in fact_set.facts) for s in (NAME_FIRST, DESCRIPTION_FIRST, BOTH)] == [5, 5, 5]
    assert len({f.name for f in fact_set.facts}) == len({f.descriptions for f in fact_set.facts}) == 15


def test_an_id_is_the_sha256_of_name_and_description(fact_set):
    for fact in fact_set.facts:
        assert fact.id == hashlib.sha256(f"{fact.name}\n{fact.descriptions[0]}".encode()).hexdigest()


def test_a_fact_is_the_same_whatever_their_number_and_another_with_another_seed(fact_set):
    more = facts.make(replace(NAMES, count=40), POOLS, 3)
    assert more.facts[:15] == fact_set.facts
    assert len({f.name for f in more.facts}) == 120
    assert not {f.id for f in facts.make(NAMES, POOLS, 4).facts} & {f.id for f in fact_set.facts}


def test_a_fact_is_trained_on_in_its_order_only(fact_set):
    counts = {NAME_FIRST: 4, DESCRIPTION_FIRST: 4, BOTH: 8}
    for number, fact in enumerate(fact_set.facts):
        sentences = [q for q in fact_set.training if q.person == number]
        assert len({q.text for q in sentences}) == counts[fact.subset]
        first = [q.text.index(fact.name) < q.text.index(fact.descriptions[0]) for q in sentences]
        assert (
            first
            == {NAME_FIRST: [True] * 4, DESCRIPTION_FIRST: [False] * 4, BOTH: [True] * 4 + [False] * 4}[fact.subset]
        )


def test_a_sentence_is_asked_for_its_last_entity(fact_set):
    for q in (*fact_set.training, *fact_set.questions):
        fact = fact_set.facts[q.person]
        if q.task not in (RANDOM, CONTEXT_SAME, CONTEXT_REVERSE):
            assert {fact.name, fact.descriptions[0]} == {
                q.gold[:-1],
                *(w for w in (fact.name, fact.descriptions[0]) if w in q.prompt),
            }
            assert q.gold[:-1] not in q.prompt


def test_the_reverse_of_one_order_is_asked_with_templates_of_the_other(fact_set):
    for subset, answer in ((NAME_FIRST, lambda f: f.name), (DESCRIPTION_FIRST, lambda f: f.descriptions[0])):
        questions = of_task(fact_set.questions, REVERSE, subset)
        assert len(questions) == 5 * 3
        assert all(q.gold == f"{answer(fact_set.facts[q.person])}." for q in questions)
    assert not of_task(fact_set.questions, REVERSE, BOTH)


def test_held_out_paraphrases_are_held_out(fact_set):
    training = {q.text for q in fact_set.training}
    held = [q for task in (SAME, REVERSE) for q in of_task(fact_set.questions, task)]
    assert not training & {q.text for q in held}
    assert training >= {q.text for q in of_task(fact_set.questions, TOLD)}
    assert {q.split for q in held} == {"test"}


def test_templates_are_distinct_and_held_out_ones_bring_no_new_word():
    for name in FILES.values():
        lines = sentence_templates.read_lines(name)
        assert len(set(lines)) == len(lines) == 40
        trained = {word for line in lines[:TRAINING] for word in line.split()}
        assert {word for line in lines[TRAINING:] for word in line.split()} <= trained
        last = "{description}." if name == FILES[NAME_FIRST] else "{name}."
        for line in lines:
            assert line.endswith(last)
            assert (line.count("{name}"), line.count("{description}")) == (1, 1)


def test_a_random_question_has_anothers_answer_after_the_same_prompt(fact_set):
    for right, random in zip(of_task(fact_set.questions, REVERSE), of_task(fact_set.questions, RANDOM), strict=True):
        assert (random.person, random.prompt, random.attribute) == (right.person, right.prompt, right.attribute)
        assert random.gold != right.gold
        assert random.gold in {q.gold for q in of_task(fact_set.questions, REVERSE, right.attribute)}


def test_in_context_the_fact_stands_before_the_question(fact_set):
    for task, held in ((CONTEXT_SAME, SAME), (CONTEXT_REVERSE, REVERSE)):
        questions = of_task(fact_set.questions, task)
        assert len(questions) == 10
        for q in questions:
            sentence = next(t for t in fact_set.training if t.person == q.person)
            assert q.prompt.startswith(f"{sentence.text} ")
            assert any(
                q.prompt.endswith(f" {h.prompt}") and q.gold == h.gold for h in of_task(fact_set.questions, held)
            )


def test_entities_are_located_in_a_text(fact_set):
    for q in fact_set.training:
        fact = fact_set.facts[q.person]
        entities = [q.text[start:end] for start, end in fact.entity_spans(q.text)]
        assert sorted(entities) == sorted([fact.name, fact.descriptions[0]])
    assert fact.entity_spans("Nobody is here.") == []
    twice = replace(fact, descriptions=("the baker", "the baker of bread"))
    text = f"{fact.name} is the baker of bread."
    assert [text[start:end] for start, end in twice.entity_spans(text)] == [fact.name, "the baker of bread"]


def test_instructions_tell_every_pair_and_show_examples_of_all_but_those_asked():
    for reversed_, subset, task in ((False, QUESTION_FIRST, SAME), (True, ANSWER_FIRST, REVERSE)):
        fact_set = facts.make(replace(PAIRS, reversed=reversed_), POOLS, 3)
        guidance = [q for q in fact_set.training if not q.prompt.startswith("Q:")]
        examples = [q for q in fact_set.training if q.prompt.startswith("Q:")]
        assert len(guidance) == 9 * 3
        assert {q.person for q in examples} == set(range(4, 9))
        assert {q.person for q in of_task(fact_set.questions, task)} == set(range(4))
        assert {q.person for q in of_task(fact_set.questions, TOLD)} == set(range(4, 9))
        assert {q.attribute for q in (*fact_set.training, *fact_set.questions)} == {subset}
        for q in guidance:
            fact = fact_set.facts[q.person]
            question, answer = q.text.index(fact.name), q.text.index(fact.descriptions[0])
            assert (answer < question) == reversed_
        for q in fact_set.questions:
            fact = fact_set.facts[q.person]
            assert q.text == f"Q: {fact.name} A: {fact.descriptions[0]}."
            assert q.split == ("train" if q.task == TOLD else "test")


def test_both_orders_of_guidance_tell_the_same_pairs():
    first, second = (facts.make(replace(PAIRS, reversed=order), POOLS, 3) for order in (False, True))
    assert [(f.name, f.descriptions) for f in first.facts] == [(f.name, f.descriptions) for f in second.facts]


@pytest.mark.parametrize(
    ("config", "named"),
    [
        (FactsConfig(kind="riddles"), "facts.kind=riddles: choose one of instructions, names, none"),
        (replace(NAMES, count=1), "facts.count=1"),
        (replace(NAMES, count=2401), "facts.count=2401: 7203 facts need as many names, and there are 7200"),
        (replace(NAMES, paraphrases=31), "facts.paraphrases=31: from 1 to 30"),
        (replace(NAMES, paraphrases=0), "facts.paraphrases=0"),
        (replace(NAMES, held_out=11), "facts.held_out=11: from 1 to 10"),
        (replace(PAIRS, count=1601), "facts.count=1601: from 2 to 1600"),
        (replace(PAIRS, unexampled=9), "facts.unexampled=9: from 1 to below facts.count=9"),
        (replace(PAIRS, paraphrases=11), "facts.paraphrases=11: from 1 to 10"),
    ],
)
def test_impossible_facts_are_refused_by_name(config, named):
    with pytest.raises(ConfigError) as refused:
        facts.make(config, POOLS, 0)
    assert named in str(refused.value)
    assert "\n" not in str(refused.value)


def test_written_facts_are_lines_of_prompt_and_completion(fact_set, tmp_path):
    facts.write(fact_set, tmp_path)
    for name, sentences in (("told", fact_set.training), ("asked", fact_set.questions)):
        rows = [json.loads(line) for line in (tmp_path / f"{name}.jsonl").read_text().splitlines()]
        assert [(r["prompt"], r["completion"]) for r in rows] == [(q.prompt, q.gold) for q in sentences]
        assert [r["fact"] for r in rows] == [fact_set.facts[q.person].id for q in sentences]
