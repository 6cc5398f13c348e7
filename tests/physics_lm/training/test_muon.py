from functools import partial

import torch

from physics_lm import device
from physics_lm.config.training import TrainConfig
from physics_lm.training import optimizers
from physics_lm.training.muon import Muon, orthogonalize


def test_orthogonal_keeps_the_directions_and_levels_the_lengths():
    torch.manual_seed(0)
    for shape in ((2, 24, 40), (2, 40, 24)):
        matrices = torch.randn(shape)
        for before, after in zip(matrices, orthogonalize(matrices), strict=True):
            left, _, right = torch.linalg.svd(before, full_matrices=False)
            turned = left.T @ after @ right.T
            lengths = turned.diagonal()
            assert lengths.min() > 0.5
            assert lengths.max() < 1.5
            assert (turned - torch.diag(lengths)).abs().max() < 1e-3


def test_steps_agree_with_torchs_own_muon_to_bf16():
    torch.manual_seed(1)
    start = [torch.randn(16, 48), torch.randn(48, 16), torch.randn(16, 48)]
    ways = []
    for kind in (torch.optim.Muon, partial(Muon, precision=torch.float32)):
        params = [torch.nn.Parameter(matrix.clone()) for matrix in start]
        optimizer = kind(params, lr=0.05, weight_decay=0.1)
        for step in range(4):
            for number, param in enumerate(params):
                param.grad = torch.randn(param.shape, generator=torch.Generator().manual_seed(10 * step + number))
            optimizer.step()
        ways.append(params)
    for ours, theirs, before in zip(*reversed(ways), start, strict=True):
        moved = (theirs - before).norm()
        assert moved > 0.1
        assert (ours - theirs).norm() < 0.02 * moved


def test_the_iteration_is_in_the_precision_that_the_device_is_fast_in(monkeypatch):
    model = torch.nn.Module()
    model.gain = torch.nn.Parameter(torch.ones(4))
    model.hidden = torch.nn.Parameter(torch.randn(4, 4))
    model.get_input_embeddings = model.get_output_embeddings = lambda: None
    for fast, precision in ((True, torch.bfloat16), (False, torch.float32)):
        monkeypatch.setattr(device, "has_fast_bf16", lambda device, fast=fast: fast)
        assert optimizers.build_optimizers(model, TrainConfig(optimizer="muon"))[-1].precision is precision
