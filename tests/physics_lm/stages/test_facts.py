"""The facts as a stage: those of both kinds, with every cure."""

from dataclasses import fields, replace

import pins

from data_gen import facts as made_facts
from data_gen.config import ToldFactsConfig
from data_gen.facts import cures, instructions, names
from data_gen.settings import rule
from physics_lm.stages import facts

CURES = next(rule(item).choices for item in fields(ToldFactsConfig) if item.name == "cure")


def test_the_version_and_its_texts_change_together(lab):
    texts = []
    for config in (names.Config(count=4, paraphrases=3, held_out=2),
                   instructions.Config(count=4, paraphrases=3, unexampled=2, reversed=True)):  # fmt: skip
        data = made_facts.make(config, lab.config.world.pools, 0)
        texts += [[q.task, q.attribute, q.prompt, q.gold] for q in (*data.training, *data.questions)]
        texts += [cures.added_texts(replace(config, cure=cure), data, 0) for cure in CURES]
    assert pins.pinned(facts, texts) == (1, "c1bf59234f23ca8b")
