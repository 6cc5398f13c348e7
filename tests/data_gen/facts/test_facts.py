"""Facts told in one order: names and descriptions, instructions, and what is asked about them."""

import hashlib
import json
from dataclasses import replace

import pytest

from data_gen import facts
from data_gen.biographies import sentence_templates
from data_gen.config import FactsConfig
from data_gen.errors import ConfigError
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
NAMES = FactsConfig(kind="names", count=5, paraphrases=4, held_out=3)
PAIRS = FactsConfig(kind="instructions", count=9, paraphrases=3, unexampled=4)


@pytest.fixture(scope="module")
def made():
    return facts.make(NAMES, POOLS, 3)


def of(sentences, task, subset=None):
    return [q for q in sentences if q.task == task and subset in (None, q.attribute)]


def test_a_third_of_the_facts_each_way_with_names_and_descriptions_of_their_own(made):
    assert [sum(f.subset == s for f in made.facts) for s in (NAME_FIRST, DESCRIPTION_FIRST, BOTH)] == [5, 5, 5]
    assert len({f.name for f in made.facts}) == len({f.descriptions for f in made.facts}) == 15


def test_an_id_is_the_sha256_of_name_and_description(made):
    for fact in made.facts:
        assert fact.id == hashlib.sha256(f"{fact.name}\n{fact.descriptions[0]}".encode()).hexdigest()


def test_a_fact_is_the_same_whatever_their_number_and_another_with_another_seed(made):
    more = facts.make(replace(NAMES, count=40), POOLS, 3)
    assert more.facts[:15] == made.facts
    assert len({f.name for f in more.facts}) == 120
    assert not {f.id for f in facts.make(NAMES, POOLS, 4).facts} & {f.id for f in made.facts}


def test_a_fact_is_told_in_its_order_only(made):
    counts = {NAME_FIRST: 4, DESCRIPTION_FIRST: 4, BOTH: 8}
    for number, fact in enumerate(made.facts):
        told = [q for q in made.told if q.person == number]
        assert len({q.text for q in told}) == counts[fact.subset]
        first = [q.text.index(fact.name) < q.text.index(fact.descriptions[0]) for q in told]
        assert (
            first
            == {NAME_FIRST: [True] * 4, DESCRIPTION_FIRST: [False] * 4, BOTH: [True] * 4 + [False] * 4}[fact.subset]
        )


def test_a_sentence_is_asked_for_its_last_entity(made):
    for q in (*made.told, *made.asked):
        fact = made.facts[q.person]
        if q.task not in (RANDOM, CONTEXT_SAME, CONTEXT_REVERSE):
            assert {fact.name, fact.descriptions[0]} == {
                q.gold[:-1],
                *(w for w in (fact.name, fact.descriptions[0]) if w in q.prompt),
            }
            assert q.gold[:-1] not in q.prompt


def test_the_reverse_of_one_order_is_asked_with_templates_of_the_other(made):
    for subset, wanted in ((NAME_FIRST, lambda f: f.name), (DESCRIPTION_FIRST, lambda f: f.descriptions[0])):
        asked = of(made.asked, REVERSE, subset)
        assert len(asked) == 5 * 3
        assert all(q.gold == f"{wanted(made.facts[q.person])}." for q in asked)
    assert not of(made.asked, REVERSE, BOTH)


def test_held_out_paraphrases_are_held_out(made):
    told = {q.text for q in made.told}
    held = [q for task in (SAME, REVERSE) for q in of(made.asked, task)]
    assert not told & {q.text for q in held}
    assert told >= {q.text for q in of(made.asked, TOLD)}
    assert {q.split for q in held} == {"test"}


def test_templates_are_distinct_and_held_out_ones_bring_no_new_word():
    for name in FILES.values():
        lines = sentence_templates.texts(name)
        assert len(set(lines)) == len(lines) == 40
        known = {word for line in lines[:TRAINING] for word in line.split()}
        assert {word for line in lines[TRAINING:] for word in line.split()} <= known
        last = "{description}." if name == FILES[NAME_FIRST] else "{name}."
        for line in lines:
            assert line.endswith(last)
            assert (line.count("{name}"), line.count("{description}")) == (1, 1)


def test_a_random_question_has_anothers_answer_after_the_same_prompt(made):
    for right, random in zip(of(made.asked, REVERSE), of(made.asked, RANDOM), strict=True):
        assert (random.person, random.prompt, random.attribute) == (right.person, right.prompt, right.attribute)
        assert random.gold != right.gold
        assert random.gold in {q.gold for q in of(made.asked, REVERSE, right.attribute)}


def test_in_context_the_fact_stands_before_the_question(made):
    for task, held in ((CONTEXT_SAME, SAME), (CONTEXT_REVERSE, REVERSE)):
        asked = of(made.asked, task)
        assert len(asked) == 10
        for q in asked:
            told = next(t for t in made.told if t.person == q.person)
            assert q.prompt.startswith(f"{told.text} ")
            assert any(q.prompt.endswith(f" {h.prompt}") and q.gold == h.gold for h in of(made.asked, held))


def test_entities_are_found_where_they_stand(made):
    for q in made.told:
        fact = made.facts[q.person]
        found = [q.text[start:end] for start, end in fact.entities(q.text)]
        assert sorted(found) == sorted([fact.name, fact.descriptions[0]])
    assert fact.entities("Nobody is here.") == []
    twice = replace(fact, descriptions=("the baker", "the baker of bread"))
    text = f"{fact.name} is the baker of bread."
    assert [text[start:end] for start, end in twice.entities(text)] == [fact.name, "the baker of bread"]


def test_instructions_tell_every_pair_and_show_examples_of_all_but_those_asked():
    for reversed_, subset, task in ((False, QUESTION_FIRST, SAME), (True, ANSWER_FIRST, REVERSE)):
        made = facts.make(replace(PAIRS, reversed=reversed_), POOLS, 3)
        guidance = [q for q in made.told if not q.prompt.startswith("Q:")]
        examples = [q for q in made.told if q.prompt.startswith("Q:")]
        assert len(guidance) == 9 * 3
        assert {q.person for q in examples} == set(range(4, 9))
        assert {q.person for q in of(made.asked, task)} == set(range(4))
        assert {q.person for q in of(made.asked, TOLD)} == set(range(4, 9))
        assert {q.attribute for q in (*made.told, *made.asked)} == {subset}
        for q in guidance:
            fact = made.facts[q.person]
            question, answer = q.text.index(fact.name), q.text.index(fact.descriptions[0])
            assert (answer < question) == reversed_
        for q in made.asked:
            fact = made.facts[q.person]
            assert q.text == f"Q: {fact.name} A: {fact.descriptions[0]}."
            assert q.split == ("train" if q.task == TOLD else "test")


def test_both_orders_of_guidance_tell_the_same_pairs():
    first, second = (facts.make(replace(PAIRS, reversed=order), POOLS, 3) for order in (False, True))
    assert [(f.name, f.descriptions) for f in first.facts] == [(f.name, f.descriptions) for f in second.facts]


@pytest.mark.parametrize(
    ("config", "named"),
    [
        (FactsConfig(kind="riddles"), "facts.kind=riddles: choose one of none, names, instructions"),
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


def test_written_facts_are_lines_of_prompt_and_completion(made, tmp_path):
    facts.write(made, tmp_path)
    for name, wanted in (("told", made.told), ("asked", made.asked)):
        rows = [json.loads(line) for line in (tmp_path / f"{name}.jsonl").read_text().splitlines()]
        assert [(r["prompt"], r["completion"]) for r in rows] == [(q.prompt, q.gold) for q in wanted]
        assert [r["fact"] for r in rows] == [made.facts[q.person].id for q in wanted]
