"""Every stage and every kind has a version, which its own test file pins to the digest of a tiny output."""

import re
from pathlib import Path

import pytest

from data_gen import kinds
from physics_lm.config.run import KIND_PACKAGES
from physics_lm.stages import STAGES

NOTHING_MADE = {"data_gen.corpus.beside.none", "data_gen.facts.none", "physics_lm.methods.none"}
VERSIONED = {f"physics_lm.stages.{stage.NAME}": stage for stage in STAGES if stage.NAME != "prior"}
VERSIONED |= {
    module.__name__: module for package in KIND_PACKAGES.values() for module in kinds.modules(package).values()
}


@pytest.mark.parametrize("name", sorted(set(VERSIONED) - NOTHING_MADE))
def test_a_version_is_pinned_in_the_test_file_of_its_module(name):
    *folders, module = name.split(".")
    text = Path(__file__).parent.joinpath(*folders, f"test_{module}.py").read_text()
    pins = re.findall(rf'pins\.pinned\({module}, .*?\) == \((\d+), "[0-9a-f]{{16}}"\)', text, re.DOTALL)
    assert [int(version) for version in pins] == [VERSIONED[name].VERSION]
