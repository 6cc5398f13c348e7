"""The version of inverse questions; their properties are tested with those of the other families."""

import pins
from small_worlds import small_world

from data_gen import questions
from data_gen.questions import inverse
from data_gen.questions.question import SPLITS


def test_the_version_and_its_questions_change_together():
    world, config = small_world(12, first_person=7, major=15), inverse.Config(held_share=0.3, wordings=1)
    asked = [question for split in SPLITS for question in questions.generate(world, config, split)]
    assert pins.pinned(inverse, pins.questions(asked)) == (1, "008ee83ea9ef4428")
