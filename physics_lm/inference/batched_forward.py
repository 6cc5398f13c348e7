"""One forward pass of a causal model, batched with those of other jobs whose models have the same shape."""

from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.func import functional_call, stack_module_state, vmap
from torch.nn.functional import pad
from transformers import PreTrainedModel

from physics_lm import device
from physics_lm.job_scheduler import batched_call, current_stage

Predictions = tuple[np.ndarray[Any, Any], np.ndarray[Any, Any], np.ndarray[Any, Any]]


def predict(model: PreTrainedModel, ids_BxT: Tensor) -> Predictions:
    """Return the predictions of every token but the first, (B, T - 1) each (see `predictions_from_logits`).

    Within `job_scheduler.run_jobs`, jobs whose models have the same shape share one call.
    """
    shape = (model.config.to_json_string(), tuple((name, tuple(p.shape)) for name, p in model.named_parameters()))
    predictions: Predictions = batched_call(_predict_all, shape, current_stage(), (model, ids_BxT))
    return predictions


@torch.no_grad()
def _predict_all(requests: list[tuple[PreTrainedModel, Tensor]]) -> list[Predictions]:
    if len(requests) == 1:
        return [_predict(*requests[0])]
    if device.uses_threads(requests[0][1].device):
        return list(device.thread_pool().map(torch.no_grad()(_predict), *zip(*requests, strict=True)))
    models, ids = zip(*requests, strict=True)
    rows, longest = (max(batch.shape[side] for batch in ids) for side in (0, 1))
    ids_KxBxT = torch.stack([pad(batch, (0, longest - batch.shape[1], 0, rows - batch.shape[0])) for batch in ids])
    params, buffers = stack_module_state(list(models))

    def logits_of(params: dict[str, Tensor], buffers: dict[str, Tensor], ids_BxT: Tensor) -> Tensor:
        logits: Tensor = functional_call(models[0], (params, buffers), (ids_BxT[:, :-1],), {"use_cache": False}).logits
        return logits

    logits_KxBxTxV = vmap(logits_of)(params, buffers, ids_KxBxT)
    return [
        predictions_from_logits(logits[: batch.shape[0], : batch.shape[1] - 1], batch[:, 1:])
        for logits, batch in zip(logits_KxBxTxV, ids, strict=True)
    ]


def _predict(model: PreTrainedModel, ids_BxT: Tensor) -> Predictions:
    return predictions_from_logits(model(input_ids=ids_BxT[:, :-1], use_cache=False).logits, ids_BxT[:, 1:])


def predictions_from_logits(logits_BxTxV: Tensor, target_BxT: Tensor) -> Predictions:
    """Return the argmax, the target's log-probability (nats) and the argmax's probability, (B, T) each."""
    logits_BxTxV = logits_BxTxV.float()
    total_BxT = logits_BxTxV.logsumexp(-1)
    logprob_BxT = logits_BxTxV.gather(-1, target_BxT[..., None])[..., 0] - total_BxT
    confidence_BxT = (logits_BxTxV.amax(-1) - total_BxT).exp()
    return logits_BxTxV.argmax(-1).cpu().numpy(), logprob_BxT.double().cpu().numpy(), confidence_BxT.cpu().numpy()
