"""The rewriting as a stage."""

import pins

from physics_lm.inference import rewriting
from physics_lm.stages import rewrite


def test_the_version_and_its_prompts_change_together(lab):
    prompts = [rewriting.prompts(lab.world, lab.entries, 50, attempt) for attempt in (0, 1)]
    assert pins.pinned(rewrite, prompts) == (1, "407b85e2635aa854")
