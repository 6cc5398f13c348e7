"""Render recipes as biography texts with the spans of their values."""

from collections.abc import Iterator

from data_gen.biographies import sentence_templates
from data_gen.biographies.biography import Biography, Span
from data_gen.biographies.recipes import Recipes
from data_gen.config import CorpusConfig
from data_gen.people import pools
from data_gen.people.attributes import ATTRIBUTES, NAME_POOLS, NAMES
from data_gen.people.world import PRONOUNS, World


def render(world: World, config: CorpusConfig, recipes: Recipes) -> Iterator[Biography]:
    """Yield the entry of each recipe, in order."""
    templates = [sentence_templates.load_first(name, config.templates) for name in NAMES]
    closings = sentence_templates.load(sentence_templates.CLOSING)
    for entry in range(len(recipes)):
        row = int(recipes.row[entry])
        name, pronoun = world.name(row), PRONOUNS[world.pronoun[row]]
        subjects = (pronoun, name, "The person")
        text, spans = "", []
        sentences = zip(recipes.attribute[entry], recipes.template[entry], recipes.subject[entry], strict=True)
        for number, template, form in sentences:
            attribute = NAMES[number]
            sentence = templates[number][template].render(subjects[form], world.value(attribute, row), pronoun)
            start = len(text) + bool(text)
            text = f"{text} {sentence.text}" if text else sentence.text
            spans.append(Span(attribute, start + sentence.value[0], start + sentence.value[1]))
        if recipes.closing[entry] >= 0:
            text += " " + closings[recipes.closing[entry]].render(pronoun, name, pronoun).text
        yield Biography(text, world.person_id(row), world.config.group, tuple(spans))


def lexicon(world: World, config: CorpusConfig) -> Iterator[str]:
    """Yield every template in use, every name and every value, so that a vocabulary of them covers all epochs.

    It does not depend on the seed or the augmentation.
    """
    for attribute in ATTRIBUTES:
        values = world.pools[attribute.name]
        yield from values
        for template in sentence_templates.load_first(attribute.name, config.templates):
            yield from (template.render(pronoun, values[0], pronoun).text for pronoun in PRONOUNS)
    for closing in sentence_templates.load(sentence_templates.CLOSING):
        yield from (closing.render(pronoun, "The person", pronoun).text for pronoun in PRONOUNS)
    for name in NAME_POOLS:
        yield from pools.first_lines(name, world.config.pools[name])
