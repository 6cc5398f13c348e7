"""Checkpoints: what is written is read again, and plain transformers see the model alone."""

import pytest
import torch
from kind_configs import model_config
from transformers import AutoModelForCausalLM, AutoTokenizer

from physics_lm import checkpoints, models
from physics_lm.config.tokenizer import TokenizerConfig
from physics_lm.data import tokenizers


def test_further_tensors_are_read_again_and_change_nothing_for_transformers(tmp_path):
    tokenizer = tokenizers.train(TokenizerConfig("word"), ["a few words"])
    model = models.build(model_config("llama", 1, 16, 2, 16), len(tokenizer), 0, 0).eval()
    integers = {"weight": torch.arange(6, dtype=torch.int8).view(2, 3), "scale": torch.tensor([0.5, 2.0])}
    checkpoints.save(tmp_path, checkpoints.Trained(model, {"quantized": integers}), tokenizer)
    loaded = checkpoints.load_tensors(tmp_path, "quantized")
    assert set(loaded) == set(integers)
    assert all(
        torch.equal(loaded[name], integers[name]) and loaded[name].dtype == integers[name].dtype for name in loaded
    )
    plain = AutoModelForCausalLM.from_pretrained(tmp_path).eval()
    for again in (plain, checkpoints.load(tmp_path)):
        assert all(torch.equal(a, b) for a, b in zip(again.parameters(), model.parameters(), strict=True))
    assert AutoTokenizer.from_pretrained(tmp_path).get_vocab() == tokenizer.get_vocab()
    with pytest.raises(FileNotFoundError):
        checkpoints.load_tensors(tmp_path, "adapters")
