"""The version of names; their properties are tested with those of the other facts."""

import pins

from data_gen import facts
from data_gen.facts import names

POOLS = {"first_name": 20, "last_name": 20}


def test_the_version_and_its_facts_change_together():
    made = facts.make(names.Config(count=4, paraphrases=3, held_out=2), POOLS, 0)
    told = [[q.task, q.attribute, q.prompt, q.gold] for q in (*made.training, *made.questions)]
    assert pins.pinned(names, told) == (1, "5330b48a66899553")
