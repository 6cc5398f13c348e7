"""The corpus as a stage."""

import pins

from physics_lm.stages import corpus


def test_the_version_and_its_entries_change_together(lab):
    entries = [[e.text, e.person_id, e.group, [[s.attribute, s.start, s.end] for s in e.spans]] for e in lab.entries]
    assert pins.pinned(corpus, entries) == (1, "66298a5d4df57d43")
