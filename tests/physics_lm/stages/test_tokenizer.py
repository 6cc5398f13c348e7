"""The tokenizer as a stage."""

import pins
from transformers import AutoTokenizer

from physics_lm.stages import tokenizer


def test_the_version_and_its_vocabulary_change_together(lab):
    vocabulary = AutoTokenizer.from_pretrained(lab.folder("tokenizer")).get_vocab()
    assert pins.pinned(tokenizer, sorted(vocabulary.items())) == (1, "68c5553ab0d848cb")
