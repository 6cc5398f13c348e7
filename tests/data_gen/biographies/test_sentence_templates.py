"""Templates: the shipped files obey the rules, and every breach is refused naming file and line."""

import re
import shutil
from statistics import mean

import pytest
from hypothesis import given
from hypothesis import strategies as st
from small_worlds import examples

from data_gen import errors
from data_gen.biographies import sentence_templates
from data_gen.errors import ConfigError
from data_gen.people.attributes import NAMES

GOOD = "{subject} {was} born in {value}, {their} home."


def shipped(attribute):
    return (sentence_templates.FOLDER / f"{attribute}.txt").read_text().splitlines()


@pytest.mark.parametrize("attribute", NAMES)
def test_shipped_templates_parse_and_are_as_many_as_the_papers(attribute):
    assert 46 <= len(sentence_templates.load(attribute)) <= 52


@pytest.mark.parametrize("attribute", NAMES)
def test_first_20_are_short(attribute):
    lengths = [len(text.split()) for text in shipped(attribute)]
    assert 5 <= mean(lengths[:20]) <= 6.5
    assert max(lengths[:20]) <= 8


@pytest.mark.parametrize("attribute", [*NAMES, sentence_templates.CLOSING])
def test_shipped_templates_leave_agreement_to_the_holes(attribute):
    # a literal pronoun or verb form would disagree with two of three persons; an article with the value
    wrong = re.compile(r"\b(he|she|they|his|her|him|them|himself|herself|is|are|has|have)\b|\ban? \{value\}", re.I)
    assert not [text for text in shipped(attribute) if wrong.search(re.sub(r"\{(?!value)\w+\}", "", text))]


@pytest.mark.parametrize("attribute", [*NAMES, sentence_templates.CLOSING])
def test_shipped_was_belongs_to_the_subject(attribute):
    # `{was}` agrees with the subject, so it follows it, or an "and"
    loose = [text.replace("{subject} {was} ", "").replace(" and {was} ", "") for text in shipped(attribute)]
    assert not [text for text in loose if "{was}" in text]


def test_no_sentence_tells_both_cities():
    # the value is a city in both, so a shared sentence would not tell which one is meant
    assert not set(shipped("birth_city")) & set(shipped("company_city"))


def test_closing_sentences_end_with_the_name():
    # reverse6: nothing may follow the name
    assert all(text.endswith(" {value}.") for text in shipped(sentence_templates.CLOSING))
    assert len(sentence_templates.load(sentence_templates.CLOSING)) >= 5


REFUSED = {
    "no value": "{subject} {was} born somewhere.",
    "no subject": "It began in {value}.",
    "subject later": "In {value} {subject} {was} born.",
    "value twice": "{subject} {was} born in {value} and lived in {value}.",
    "subject twice": "{subject} {was} born in {value} where {subject} lived.",
    "unknown placeholder": "{subject} {was} born in {value}, {planet} said.",
    "misspelt value": "{subject} {was} born in {Value}.",
    "glued by a forgotten comma": "{subject} came from {value}.{subject} {was} born in {value}.",
    "two sentences": "{subject} came from {value}. Nobody knew.",
    "glued with one value": "{subject} came from {value}.Nobody knew.",
    "full stop inside": "{subject} came from {value}. Nobody knew",
    "no full stop": "{subject} {was} born in {value}",
    "question": "{subject} {was} born in {value}?",
    "double space": "{subject} {was} born  in {value}.",
    "space before": " {subject} {was} born in {value}.",
    "space after": "{subject} {was} born in {value}. ",
    "subject glued": "{subject}came from {value}.",
    "value glued before": "{subject} {was} born in{value}.",
    "value glued after": "{subject} {was} born in {value}city.",
    "possessive value": "{subject} liked {value}'s streets.",
    "value in quotes": "{subject} {was} born in '{value}'.",
    "holes glued": "{subject}{was} born in {value}.",
    "tab": "{subject} {was} born in\t{value}.",
    "empty line": "",
    "open brace": "{subject} loved {their parish in {value}.",
    "empty placeholder": "{subject} went to {} and {value}.",
    "space before the stop": "{subject} {was} born in {value} .",
    "comma glued": "{subject} {was} born in {value},there.",
}


@pytest.mark.parametrize("case", REFUSED)
def test_broken_template_is_refused_naming_file_and_line(case):
    with pytest.raises(errors.TemplateError, match=r"^city\.txt:2: "):
        sentence_templates.parse_all([GOOD, REFUSED[case]], "city.txt")


def test_unknown_placeholder_is_named():
    with pytest.raises(errors.TemplateError, match="unknown placeholder planet"):
        sentence_templates.parse(REFUSED["unknown placeholder"], "x:1")


def test_good_template_parses():
    assert sentence_templates.parse(GOOD, "x:1").render("Ann", "Rome", "She").text == "Ann was born in Rome, her home."


@pytest.mark.parametrize("twin", [GOOD, "{subject} {was} Born in {value} , {their} home."], ids=["same", "case"])
def test_duplicate_is_refused_naming_both_lines(twin):
    with pytest.raises(errors.TemplateError, match=r"^city\.txt:3: the same as line 1"):
        sentence_templates.parse_all([GOOD, "{subject} came from {value}.", twin], "city.txt")


def test_broken_file_is_refused_at_load(tmp_path, monkeypatch):
    folder = tmp_path / "templates"
    shutil.copytree(sentence_templates.FOLDER, folder)
    path = folder / "major.txt"
    lines = path.read_text().splitlines()
    path.write_text("\n".join([*lines[:3], lines[3] + lines[4], *lines[5:]]) + "\n")
    monkeypatch.setattr(sentence_templates, "FOLDER", folder)
    sentence_templates.load.cache_clear()
    try:
        with pytest.raises(errors.TemplateError, match=r"^major\.txt:4: "):
            sentence_templates.load_first("major", 20)
    finally:
        sentence_templates.load.cache_clear()


AGREEMENT = {
    ("He", "He"): "He was born in Rome, his home.",
    ("She", "She"): "She was born in Rome, her home.",
    ("They", "They"): "They were born in Rome, their home.",
    ("Ann Lee Ray", "They"): "Ann Lee Ray was born in Rome, their home.",
    ("Ann Lee Ray", "He"): "Ann Lee Ray was born in Rome, his home.",
}


@pytest.mark.parametrize(("subject", "pronoun"), AGREEMENT)
def test_verb_and_possessive_agree(subject, pronoun):
    rendered = sentence_templates.parse(GOOD, "x:1").render(subject, "Rome", pronoun)
    assert rendered.text == AGREEMENT[subject, pronoun]


ODD = st.sampled_from(["{value}", "{their}", "Rome"])
TEXT = ODD | st.text(st.sampled_from("aZ é{}.,\\0"), min_size=1, max_size=12)


@examples(60)
@given(st.sampled_from(NAMES), st.integers(0, 45), TEXT, TEXT, st.sampled_from(["He", "She", "They"]))
def test_places_hold_subject_and_value(attribute, number, subject, value, pronoun):
    # values that look like holes are not filled a second time
    rendered = sentence_templates.load(attribute)[number].render(subject, value, pronoun)
    assert rendered.text[slice(*rendered.subject)] == subject
    assert rendered.text[slice(*rendered.value)] == value
    assert rendered.text.startswith(subject)


def test_first_takes_the_first_lines_and_zero_takes_all():
    assert sentence_templates.load_first("major", 20) == sentence_templates.load("major")[:20]
    assert sentence_templates.load_first("major", 0) == sentence_templates.load("major")


@pytest.mark.parametrize("size", [-1, 1000])
def test_impossible_number_of_templates_names_the_key(size):
    with pytest.raises(ConfigError, match=rf"corpus\.templates={size}"):
        sentence_templates.load_first("major", size)


def test_available_is_what_every_attribute_has(monkeypatch):
    assert sentence_templates.fewest_templates(7) == 7
    fewer = sentence_templates.load("major")[:9]
    whole = sentence_templates.load
    monkeypatch.setattr(sentence_templates, "load", lambda name: fewer if name == "major" else whole(name))
    assert sentence_templates.fewest_templates(0) == 9
