"""The version of comparison questions; their properties are tested with those of the other families."""

import pins
from small_worlds import small_world

from data_gen import questions
from data_gen.questions import comparison
from data_gen.questions.question import SPLITS


def test_the_version_and_its_questions_change_together():
    world, config = small_world(30, first_person=7, major=15), comparison.Config(held_share=0.3, hint="half", pairs=2)
    asked = [question for split in SPLITS for question in questions.generate(world, config, split)]
    assert pins.pinned(comparison, pins.questions(asked)) == (1, "c504b8c2a9343763")
