"""The version of instructions; their properties are tested with those of the other facts."""

import pins

from data_gen import facts
from data_gen.facts import instructions

POOLS = {"first_name": 20, "last_name": 20}


def test_the_version_and_its_facts_change_together():
    made = facts.make(instructions.Config(count=4, paraphrases=3, unexampled=2, reversed=True), POOLS, 0)
    told = [[q.task, q.attribute, q.prompt, q.gold] for q in (*made.training, *made.questions)]
    assert pins.pinned(instructions, told) == (1, "93863e077f587549")
