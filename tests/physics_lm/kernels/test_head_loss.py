"""The faster kernels compute what the model's own functions compute."""

import copy
import resource

import pytest
import torch
from kind_configs import model_config

from physics_lm import models
from physics_lm.data.batches import IGNORE
from physics_lm.kernels import attention, cpu_speedups, head_loss
from physics_lm.objectives._shared import next_token

KINDS = ["gpt2", "gpt2_rotary", "llama", "mistral"]


@pytest.mark.parametrize("block_loss", [head_loss.block_loss_in_place, head_loss.block_loss])
@pytest.mark.parametrize("block_size", [8, 2**20])
def test_the_heads_loss_is_cross_entropy_of_its_logits_whatever_the_block(monkeypatch, block_size, block_loss):
    monkeypatch.setitem(head_loss.BLOCK_LOGITS, "cpu", block_size)
    torch.manual_seed(0)
    hidden, head = torch.randn(11, 6, requires_grad=True), torch.randn(7, 6, requires_grad=True)
    targets = torch.tensor([0, 6, IGNORE, 3, 3, 1, IGNORE, 2, 5, 4, 0])
    reference = torch.nn.functional.cross_entropy(hidden @ head.T, targets, ignore_index=IGNORE)
    expected = torch.autograd.grad(3 * reference, (hidden, head))
    loss = head_loss.head_cross_entropy(hidden, head, targets, block_loss)
    gradients = torch.autograd.grad(3 * loss, (hidden, head))
    assert torch.allclose(loss, reference, atol=1e-6)
    for ours, theirs in zip(gradients, expected, strict=True):
        assert torch.allclose(ours, theirs, atol=1e-6)


@pytest.mark.parametrize("both_ways", [False, True])
@pytest.mark.parametrize("kind", KINDS)
def test_a_prepared_model_has_the_same_loss_and_gradients(kind, both_ways):
    plain = models.build(model_config(kind, 2, 32, 4, 16, sharing=2), 40, 0, 0)
    plain.config.is_causal = not both_ways
    plain.set_attn_implementation("eager")
    prepared = copy.deepcopy(plain)
    cpu_speedups.prepare(prepared)
    assert head_loss.has_linear_head(prepared)
    ids = torch.randint(0, 40, (3, 16), generator=torch.Generator().manual_seed(1))
    labels = ids.masked_fill(ids % 3 == 0, IGNORE)
    logits = plain(input_ids=ids).logits[:, :-1].flatten(0, 1)
    reference = torch.nn.functional.cross_entropy(logits, labels[:, 1:].flatten(), ignore_index=IGNORE)
    batch = {"input_ids": ids, "labels": labels}
    loss = next_token.loss(prepared, batch)
    assert torch.allclose(next_token.loss_from_logits(plain, batch), reference, atol=1e-5)
    reference.backward()
    loss.backward()
    assert torch.allclose(loss, reference, atol=1e-5)
    for (name, ours), theirs in zip(prepared.named_parameters(), plain.parameters(), strict=True):
        assert torch.allclose(ours.grad, theirs.grad, atol=1e-5), name


@pytest.mark.parametrize("kind", KINDS)
def test_attention_in_training_on_a_gpu_is_causal_attention(kind):
    plain = models.build(model_config(kind, 2, 32, 4, 16, sharing=2), 40, 0, 0)
    plain.set_attn_implementation("eager")
    other = copy.deepcopy(plain)
    ids = torch.randint(0, 40, (3, 16), generator=torch.Generator().manual_seed(1))
    with attention.training_attention(other, torch.device("cuda"), "fp32"):
        assert other.config._attn_implementation == attention.CAUSAL
        losses = [next_token.loss(model, {"input_ids": ids, "labels": ids}) for model in (plain, other)]
    with attention.training_attention(other, torch.device("cuda"), "bf16"):
        assert other.config._attn_implementation in (attention.FLASH, attention.CUDNN)
    for loss in losses:
        loss.backward()
    assert other.config._attn_implementation == "eager"  # later inputs may be padded on the left
    assert torch.allclose(*losses, atol=1e-5)
    for (name, ours), theirs in zip(other.named_parameters(), plain.parameters(), strict=True):
        assert torch.allclose(ours.grad, theirs.grad, atol=1e-5), name


@pytest.mark.parametrize(
    ("size", "dropout", "hopper", "kernel"),
    [
        (64, 0.0, True, attention.CUDNN),
        (64, 0.0, False, attention.FLASH),
        (64, 0.1, True, attention.FLASH),  # cuDNN's rounds to sixteenths
        (256, 0.0, True, attention.FLASH),
        (264, 0.0, True, attention.CAUSAL),
        (12, 0.0, True, attention.CAUSAL),
    ],
)
def test_the_fastest_kernel_that_supports_the_model_is_chosen(size, dropout, hopper, kernel):
    for kind in ("gpt2", "gpt2_rotary"):
        if kind == "gpt2_rotary" and size % 8:
            continue
        model = models.build(model_config(kind, 1, 2 * size, 2, 8, dropout), 20, 0, 0)
        assert attention.fastest_kernel(model.config, hopper) == kernel


@pytest.mark.parametrize("kind", KINDS)
def test_a_model_in_training_on_a_gpu_is_evaluated_by_torchs_own_attention(kind, monkeypatch):
    """The training kernels return bf16, which cannot be multiplied with fp32 weights outside autocast."""
    model = models.build(model_config(kind, 2, 32, 4, 16, sharing=2), 40, 0, 0).eval()
    ids = torch.randint(0, 40, (3, 16), generator=torch.Generator().manual_seed(1))
    with torch.no_grad(), attention.evaluation_attention(model):  # not in training: no change
        plain = model(ids).logits
    own = model.config._attn_implementation
    with attention.training_attention(model, torch.device("cuda"), "bf16"):
        kernel = model.config._attn_implementation
        with torch.no_grad(), attention.evaluation_attention(model):
            assert torch.allclose(model(ids).logits, plain, atol=1e-5)
        assert model.config._attn_implementation == kernel
    assert model.config._attn_implementation == own


def test_a_model_of_another_kind_keeps_its_own_logits():
    model = models.build(model_config("gpt2", 1, 16, 2, 8), 20, 0, 0)
    model.config.model_type = "another"
    assert not head_loss.has_linear_head(model)


def test_a_prepared_model_is_saved_as_it_was(tmp_path):
    model = models.build(model_config("gpt2_rotary", 1, 16, 2, 8), 20, 0, 0)
    model.save_pretrained(tmp_path / "before")
    cpu_speedups.prepare(model)
    model.save_pretrained(tmp_path / "after")
    before, after = ((tmp_path / name / "config.json").read_text() for name in ("before", "after"))
    assert before == after


def test_the_pages_of_what_is_freed_are_kept():
    cpu_speedups.keep_pages()

    def faults(times):
        before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
        for _ in range(times):
            [torch.ones(2**22).exp() for _ in range(6)]
        return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before

    faults(3)
    assert faults(10) < 4 * 2**22 // 4096  # fewer than the pages of one such tensor
