import json

import pytest
import record_keys

from experiments.launch.arms import figure_names

KEYS = json.loads(record_keys.FILE.read_text())
PAIRS = [(figure, scale) for figure, scales in KEYS.items() for scale in scales]


def differing(figure, scale, arms):
    overrides = record_keys.known(figure, scale, arms)
    keys = {arm: record_keys.chain(words) for arm, words in overrides.items()}
    return {
        arm: (key, KEYS[figure][scale].get(arm)) for arm, key in keys.items() if key != KEYS[figure][scale].get(arm)
    }


@pytest.mark.parametrize("scale", ["smoke", "laptop"])
@pytest.mark.parametrize("figure", sorted(KEYS))
def test_default_arms_have_the_keys_that_were_recorded(figure, scale):
    assert differing(figure, scale, "default") == {}


@pytest.mark.slow
@pytest.mark.parametrize(("figure", "scale"), PAIRS)
def test_every_known_arm_has_the_key_that_was_recorded(figure, scale):
    assert differing(figure, scale, "known") == {}


def test_every_figure_scale_and_arm_is_recorded():
    assert sorted(KEYS) == figure_names()
    for figure, scale in PAIRS:
        assert set(KEYS[figure][scale]) == set(record_keys.known(figure, scale))
    assert all(sorted(KEYS[figure]) == record_keys.scales() for figure in KEYS)


def test_a_changed_setting_changes_the_key():
    name, overrides = next(iter(record_keys.known("extraction", "smoke").items()))
    assert record_keys.chain([*overrides, "pretrain.lr=1e-3"]) != KEYS["extraction"]["smoke"][name]
