"""The families of Part 3.2: gold, hint, answer space, chance and ceiling against plain recounts of the world."""

from collections import Counter
from itertools import permutations

import numpy as np
import pytest
from kind_configs import question_config
from small_worlds import looks_uniform, small_world

from data_gen import kinds, questions
from data_gen.config import QuestionConfig
from data_gen.errors import ConfigError
from data_gen.people.pools import MONTHS
from data_gen.questions import classification, comparison, derived, hints, inverse, retrieval
from data_gen.questions import pairs as question_pairs
from data_gen.questions.question import SPLITS

FAMILIES = {"retrieval": retrieval, "classification": classification, "comparison": comparison, "inverse": inverse}
HINTED = ("classification", "comparison")


@pytest.fixture(scope="module")
def world():
    return small_world(60, first_person=7, major=15)


def generate(world, family, split="test", **settings):
    return questions.generate(world, question_config(family, **settings), split)


def of_task(generated, task):
    matches = [question for question in generated if question.task == task]
    assert matches, task
    return matches


def date(world, person):
    month, day, year = world.value("birth_date", person - 7).replace(",", "").split()
    return MONTHS.index(month) + 1, int(day), int(year)


@pytest.mark.parametrize("family", FAMILIES)
def test_every_family_is_found_and_asks_both_splits(world, family):
    assert family in kinds.names("data_gen.questions")
    people = {split: {q.person for q in generate(world, family, split)} for split in ("train", "test")}
    assert people["train"] == {world.person_id(row) for row in range(60) if world.train[row]}
    assert people["test"] == {world.person_id(row) for row in range(60) if not world.train[row]}


@pytest.mark.parametrize("family", FAMILIES)
def test_a_question_is_one_sentence_with_its_answer_and_names_its_people(world, family):
    for question in generate(world, family) + generate(world, family, "train"):
        assert question.prompt.endswith("? Answer:")
        assert not set(question.prompt) & set("{}")
        assert not [word for word in ("PART", "NOUN", "ONE", "TWO", "CLUES", "  ") if word in question.prompt]
        assert question.gold.endswith(".")
        assert question.gold.count(".") == 1
        if family != "inverse":
            assert world.name(question.person - 7) in question.prompt
        assert (question.other >= 0) == (family == "comparison")


@pytest.mark.parametrize("family", FAMILIES)
def test_some_wordings_are_learned_and_another_is_measured(world, family):
    train, test = generate(world, family, "train"), generate(world, family)
    for task in {question.task for question in test}:
        learned, measured = of_task(train, task), of_task(test, task)
        assert {question.wording for question in learned} == {0, 1}
        assert {question.wording for question in measured} == {0, 2}
        assert not any(question.heldout for question in learned)
        assert all(question.heldout == (question.wording == 2) for question in measured)
    all_learned = generate(world, family, wordings=3)
    assert {question.wording for question in all_learned} == {0}


@pytest.mark.parametrize("family", FAMILIES)
def test_chance_is_the_most_frequent_answer_among_all_people(world, family):
    tasks = FAMILIES[family].tasks(question_config(family), world.config)
    generated = generate(world, family)
    for name, task in tasks.items():
        if task.people == 1:
            golds = Counter(task.answer(world, row) for row in range(60) if task.applies(world, row))
        else:
            golds = Counter(task.answer(world, *pair) for pair in permutations(range(60), 2))
        assert of_task(generated, name)[0].chance == pytest.approx(max(golds.values()) / golds.total())
        if task.possible_answers:
            assert set(golds) <= set(task.possible_answers)
            assert len(set(task.possible_answers)) == len(task.possible_answers)


@pytest.mark.parametrize("family", HINTED)
def test_with_hints_every_question_comes_with_and_without(world, family):
    for split in ("train", "test"):
        generated, plain = generate(world, family, split, hint="half"), generate(world, family, split)
        with_hint = [q for q in generated if hints.HINT in q.prompt]
        without = [q for q in generated if hints.DIRECT in q.prompt]
        assert len(with_hint) == len(without) == len(plain)
        assert all(q.hint and q.text.endswith(f" {q.hint} {q.gold}") for q in with_hint)
        assert not any(q.hint for q in without + plain)
        assert [q.prompt.replace(f" {hints.DIRECT}", "") for q in without] == [q.prompt for q in plain]
        assert [q.gold for q in with_hint] == [q.gold for q in plain]


def test_classification_says_parity_and_remainders(world):
    generated = generate(world, "classification", hint="half")
    for question in of_task(generated, "month_mod2"):
        assert question.gold == ("yes." if date(world, question.person)[0] % 2 == 0 else "no.")
    for count in (6, 12):
        for question in of_task(generated, f"month_mod{count}"):
            month = date(world, question.person)[0]
            assert question.gold == f"{month % count}."
            assert question.hint in ("", f"{MONTHS[month - 1]}.")
    lucky = {}
    for question in of_task(generated, "major_mod15"):
        assert question.hint in ("", f"{world.value('major', question.person - 7)}.")
        assert lucky.setdefault(world.value("major", question.person - 7), question.gold) == question.gold
    assert len(set(lucky.values())) == len(lucky)
    for question in of_task(generated, "major_mod5"):
        assert int(question.gold[:-1]) == int(lucky[world.value("major", question.person - 7)][:-1]) % 5


def test_luckiness_is_a_bijection_of_the_whole_pool_fixed_by_the_seed():
    worlds = [small_world(3000, seed, first_name=20, middle_name=20, last_name=20) for seed in (0, 1)]
    numbers = []
    for world in worlds:
        lucky = {int(world.values["major"][row]): derived.luckiness(world, row) for row in range(len(world))}
        assert sorted(lucky.values()) == list(range(15))
        numbers.append(lucky)
    assert numbers[0] != numbers[1]


def test_the_class_counts_are_the_papers_at_the_papers_pool():
    config = small_world(60).config
    config.pools["major"] = 100
    assert list(classification.classes(config)) == [
        "month_mod2", "month_mod6", "month_mod12", "major_mod5", "major_mod20", "major_mod100"
    ]  # fmt: skip


def test_comparison_ranks_and_subtracts(world):
    generated = generate(world, "comparison", hint="half")
    for number, name in enumerate(("month", "day")):
        for question in of_task(generated, f"{name}_ranking"):
            first, second = (date(world, person)[number] for person in (question.person, question.other))
            assert question.gold == ("yes." if first > second else "no.")
        for question in of_task(generated, f"{name}_subtraction"):
            first, second = (date(world, person) for person in (question.person, question.other))
            assert question.gold == f"{first[number] - second[number]}."
            words = [MONTHS[day[0] - 1] if name == "month" else str(day[1]) for day in (first, second)]
            assert question.hint in ("", f"{words[0]}; {words[1]}.")
    for question in of_task(generated, "major_ranking"):
        first, second = (derived.luckiness(world, person - 7) for person in (question.person, question.other))
        assert question.gold == ("yes." if first > second else "no.")
        assert f"{world.name(question.other - 7)}?" in question.prompt


def test_pairs_are_of_one_split_never_with_oneself_and_never_twice(world):
    for split, partners in (("train", 5), ("test", question_pairs.TEST_PAIRS)):
        generated = [q for q in generate(world, "comparison", split) if q.task == "month_ranking" and q.wording == 0]
        people = {question.person for question in generated}
        assert {question.other for question in generated} <= people
        assert all(question.other != question.person for question in generated)
        pairs = Counter((question.person, question.other) for question in generated)
        assert set(pairs.values()) == {1}
        assert Counter(person for person, _ in pairs) == dict.fromkeys(people, partners)
    assert [(q.person, q.other) for q in generate(world, "comparison", pairs=9)] == [
        (q.person, q.other) for q in generate(world, "comparison")
    ]


def test_partners_are_spread_evenly():
    world = small_world(200)
    generated = questions.generate(
        world, question_config("comparison", tasks="month_ranking", pairs=40, wordings=1), "train"
    )
    rows = np.flatnonzero(world.train).tolist()
    place = {person: number for number, person in enumerate(rows)}
    steps = Counter((place[q.other] - place[q.person]) % len(rows) for q in generated)
    assert looks_uniform([steps[step] for step in range(1, len(rows))])
    assert set(steps) == set(range(1, len(rows)))  # everybody is compared with everybody else some time


def test_retrieval_gives_parts_and_two_values_in_order(world):
    generated = generate(world, "retrieval")
    for question in of_task(generated, "birth_day"):
        assert question.gold == f"{date(world, question.person)[1]}."
    for question in of_task(generated, "birth_year"):
        assert question.gold == f"{date(world, question.person)[2]}."
    for part, place in (("first", 0), ("last", -1)):
        for question in of_task(generated, f"{part}_university"):
            words = world.value("university", question.person - 7).replace(",", "").split()
            assert len(words) > 1
            assert question.gold == f"{words[place]}."
    for first, second in (("university", "major"), ("company_city", "employer")):
        for question in of_task(generated, f"{first}_and_{second}"):
            row = question.person - 7
            assert question.gold == f"{world.value(first, row)}; {world.value(second, row)}."
    dual = {question.task for question in generated if "_and_" in question.task}
    assert len(dual) == 6
    assert {"_and_".join(reversed(task.split("_and_"))) for task in dual} == dual


def test_a_single_word_has_no_first_and_last(world):
    generated = of_task(generate(world, "retrieval", "train"), "first_major") + of_task(
        generate(world, "retrieval"), "first_major"
    )
    several = {world.person_id(row) for row in range(60) if " " in world.value("major", row)}
    assert {question.person for question in generated} == several
    assert 0 < len(several) < 60


def test_inverse_gives_the_attributes_and_asks_the_name(world):
    generated = generate(world, "inverse")
    assert len({question.task for question in generated}) == 10
    for question in generated:
        row = question.person - 7
        clues, part = question.task.split("_to_")
        assert question.gold == f"{world.name(row) if part == 'full' else world.name(row).split()[0]}."
        assert not any(name in question.prompt for name in world.name(row).split())
        for attribute in world.pools:
            inside = world.value(attribute, row) in question.prompt
            assert inside or attribute not in inverse.CLUES[clues]


def test_the_ceiling_is_what_an_oracle_reaches():
    world = small_world(300, year=1, first_name=3, middle_name=12, last_name=12)  # 336 dates: many share theirs
    for task, answer in (("bdate_to_full", world.name), ("bdate_to_first", lambda row: world.name(row).split()[0])):
        generated = [
            q
            for split in ("train", "test")
            for q in questions.generate(world, question_config("inverse", tasks=task), split)
        ]
        ceiling = {question.person: question.ceiling for question in generated}
        best = 0
        for value in set(world.values["birth_date"].tolist()):
            rows = np.flatnonzero(world.values["birth_date"] == value).tolist()
            best += max(Counter(answer(row) for row in rows).values())
        assert sum(ceiling.values()) == pytest.approx(best)
        assert best < 300
    everything = questions.generate(world, question_config("inverse", tasks="all_to_full"), "test")
    assert {question.ceiling for question in everything} == {1.0}


def test_shares_are_of_all_people_and_nested():
    world = small_world(1000)
    people = [
        {q.person for q in questions.generate(world, QuestionConfig("extraction", share=share), "train")}
        for share in (0.1, 0.25, 0.5, 0.0)
    ]
    assert people[0] < people[1] < people[2] == people[3]
    assert [len(group) / 1000 for group in people[:3]] == pytest.approx([0.1, 0.25, 0.5], abs=0.04)
    tests = [questions.generate(world, QuestionConfig(share=share), "test") for share in (0.1, 0.0)]
    assert tests[0] == tests[1]


def test_nobody_held_out_is_compared_with_anybody_in_training():
    world = small_world(200)
    config = question_config("comparison", held_share=0.3)
    people = {}
    for split in SPLITS:
        generated = questions.generate(world, config, split)
        assert {question.split for question in generated} == {split}
        people[split] = {q.person for q in generated} | {q.other for q in generated}
    assert not people["train"] & people["held"]
    assert not people["test"] & (people["train"] | people["held"])
    assert people["train"] | people["held"] == {world.person_id(row) for row in np.flatnonzero(world.train)}


def test_some_tasks_can_be_chosen(world):
    generated = generate(world, "classification", tasks="month_mod4+major_mod5")
    assert {question.task for question in generated} == {"month_mod4", "major_mod5"}
    assert {question.task for question in generate(world, "inverse", tasks="all_to_full")} == {"all_to_full"}


@pytest.mark.parametrize(
    ("family", "settings", "message"),
    [
        ("classification", {"tasks": "major_mod16"}, "questions.tasks=major_mod16: 16 classes of 15 majors"),
        ("classification", {"tasks": "month_mod13"}, "questions.tasks=month_mod13: 13 classes of 12 months"),
        ("classification", {"tasks": "month_mod1"}, "questions.tasks=month_mod1: 1 classes"),
        ("classification", {"tasks": "month_parity"}, "questions.tasks=month_parity: classification has no task"),
        ("comparison", {"tasks": "year_ranking"}, "questions.tasks=year_ranking: comparison has no task"),
        ("retrieval", {"tasks": ""}, "questions.tasks=: retrieval has no task"),
        ("classification", {"hint": "all"}, "questions.hint=all: choose none or half"),
        ("comparison", {"pairs": 0}, "questions.pairs=0: must be 1 or more"),
        ("comparison", {"share": 0.6}, "questions.share=0.6: people of P_train as a share of all"),
        ("comparison", {"share": -0.1}, "questions.share=-0.1"),
        ("comparison", {"wordings": 4}, "questions.wordings=4: choose between 1 and 3"),
        ("comparison", {"wordings": 0}, "questions.wordings=0"),
    ],
)
def test_what_cannot_be_asked_is_refused_by_key(world, family, settings, message):
    with pytest.raises(ConfigError) as refused:
        questions.check(question_config(family, **settings), world.config)
    assert str(refused.value).startswith(message)
    assert "\n" not in str(refused.value)


def test_a_pair_needs_two_people_and_a_question_one():
    world = small_world(60)
    shares = np.sort(world.split_score[world.train])
    config = question_config("comparison", share=float(shares[:2].mean()))
    with pytest.raises(ConfigError, match=r"questions\.share=.*compares two people, and train has one"):
        questions.generate(world, config, "train")
    with pytest.raises(ConfigError, match=r"questions\.share=.*nobody of 60 people"):
        questions.generate(world, QuestionConfig(share=float(shares[0]) / 2), "train")


def test_an_answer_that_is_not_unique_is_refused_where_uniqueness_was_asked():
    world = small_world(300, year=1)
    for task in ("bdate_to_full", "all"):
        with pytest.raises(ConfigError, match=r"questions\.unique=true: bdate_to_f.* no unique answer for \d+ of 300"):
            questions.generate(world, question_config("inverse", tasks=task, unique=True), "train")
    assert questions.generate(world, question_config("inverse", tasks="all_to_full", unique=True), "train")
