"""TODO physics_lm.inference.forward."""

from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.func import functional_call, stack_module_state, vmap
from torch.nn.functional import pad
from transformers import PreTrainedModel

from physics_lm import concurrency
from physics_lm.concurrency import RANKS
from physics_lm.device import threaded, threads

Expected = tuple[np.ndarray[Any, Any], np.ndarray[Any, Any], np.ndarray[Any, Any]]


def expect(model: PreTrainedModel, ids_BxT: Tensor) -> Expected:
    """Return what a model expects of every token but the first; among jobs that meet, with their models of a shape."""
    sizes = tuple((name, tuple(param.shape)) for name, param in model.named_parameters())
    found: Expected = concurrency.meet(
        _expect_all, (model.config.to_json_string(), sizes), RANKS["score"], (model, ids_BxT)
    )
    return found


@torch.no_grad()
def _expect_all(requests: list[tuple[PreTrainedModel, Tensor]]) -> list[Expected]:
    if len(requests) == 1:
        return [_expect(*requests[0])]
    if threaded(requests[0][1].device):
        return list(threads().map(torch.no_grad()(_expect), *zip(*requests, strict=True)))
    models, ids = zip(*requests, strict=True)
    rows, longest = (max(part.shape[side] for part in ids) for side in (0, 1))
    ids_KxBxT = torch.stack([pad(part, (0, longest - part.shape[1], 0, rows - part.shape[0])) for part in ids])
    params, buffers = stack_module_state(list(models))

    def one(state: dict[str, Tensor], held: dict[str, Tensor], ids_BxT: Tensor) -> Tensor:
        logits: Tensor = functional_call(models[0], (state, held), (ids_BxT[:, :-1],), {"use_cache": False}).logits
        return logits

    logits_KxBxTxV = vmap(one)(params, buffers, ids_KxBxT)
    return [
        expected(logits[: part.shape[0], : part.shape[1] - 1], part[:, 1:])
        for logits, part in zip(logits_KxBxTxV, ids, strict=True)
    ]


def _expect(model: PreTrainedModel, ids_BxT: Tensor) -> Expected:
    return expected(model(input_ids=ids_BxT[:, :-1], use_cache=False).logits, ids_BxT[:, 1:])


def expected(logits_BxTxV: Tensor, told_BxT: Tensor) -> Expected:
    """Return the likeliest token, the told one's log-probability and the likeliest one's probability, (B, T) each."""
    logits_BxTxV = logits_BxTxV.float()
    total_BxT = logits_BxTxV.logsumexp(-1)
    told = logits_BxTxV.gather(-1, told_BxT[..., None])[..., 0] - total_BxT
    most = (logits_BxTxV.amax(-1) - total_BxT).exp()
    return logits_BxTxV.argmax(-1).cpu().numpy(), told.double().cpu().numpy(), most.cpu().numpy()
