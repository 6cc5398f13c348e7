"""Models that read both ways: masked tokens are restored instead of next ones told (Part 3.1, section 6; 2406.05183).

transformers' decoder classes (GPT2, GPTNeoX, Llama, Mistral) build their mask in `create_causal_mask`, which gives a
full one where `config.is_causal` is False, and hand the same word to the attention function, eager or sdpa. The
setting is saved in config.json, so a checkpoint opens with full attention in plain transformers.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from transformers import PreTrainedModel, PreTrainedTokenizerBase

from physics_lm.config.training import TrainConfig
from physics_lm.data.batches import IGNORE
from physics_lm.data.mask_token import mask_id
from physics_lm.kernels import head_loss

KEPT, SWAPPED = 0.1, 0.1  # of the tokens that `masked` chooses: shown as they are, shown as a random token
Loss = Callable[[PreTrainedModel, torch.Tensor, torch.Tensor, int], torch.Tensor]


def shown(ids_BxT: torch.Tensor, end_id: int) -> torch.Tensor:
    """Return the (B, T) attention mask that hides the end tokens which fill a row up, but the first of them."""
    last_B = ids_BxT.shape[1] - 1 - (ids_BxT != end_id).long().flip(1).argmax(1)
    return (torch.arange(ids_BxT.shape[1], device=ids_BxT.device) <= last_B[:, None] + 1).long()


@dataclass(frozen=True)
class Objective:
    """The loss of restoring masked tokens; what is masked at a step depends on the seed and the step alone.

    A token may be chosen where it has a label; what comes as a mask already (a question's answer) is always
    learned. kind `masked`: whole words at `rate`, of whose tokens 80% are shown as a mask, 10% as a random token
    and 10% as they are. kind `uniform`: tokens at a rate drawn from [0, 1) for each row, all shown as masks.
    starts: (V,) whether a token begins a word. size: V, the tokenizer's. mask, end: ids of these tokens.
    """

    kind: str
    rate: float
    seed: int
    mask: int
    end: int
    size: int
    starts: torch.Tensor

    def __call__(
        self, model: PreTrainedModel, inputs_BxT: torch.Tensor, labels_BxT: torch.Tensor, step: int
    ) -> torch.Tensor:
        """Return the mean cross-entropy over the masked tokens, in nats; labels of -100 are never masked."""
        seen_BxT, learned_BxT = self.draw(inputs_BxT, labels_BxT, step)
        shown_BxT = shown(inputs_BxT, self.end)
        if head_loss.whole(model):
            hidden_BxTxD = head_loss.hidden_of(model, seen_BxT, shown_BxT)
            head_VxD = model.get_output_embeddings().weight
            return head_loss.head_loss(hidden_BxTxD.flatten(0, 1), head_VxD, learned_BxT.flatten())
        logits_BxTxV = model(input_ids=seen_BxT, attention_mask=shown_BxT, use_cache=False).logits
        total = torch.nn.functional.cross_entropy(
            logits_BxTxV.flatten(0, 1).float(), learned_BxT.flatten(), ignore_index=IGNORE, reduction="sum"
        )
        return total / (learned_BxT != IGNORE).sum().clamp(min=1)

    def draw(self, inputs_BxT: torch.Tensor, labels_BxT: torch.Tensor, step: int) -> tuple[torch.Tensor, torch.Tensor]:
        """Return what is shown and what is learned, each (B, T), at a step."""
        rng, shape, where = np.random.default_rng([self.seed, 11, step]), inputs_BxT.shape, inputs_BxT.device
        chance, fate = (torch.from_numpy(rng.random(shape)).to(where) for _ in range(2))
        other = torch.from_numpy(rng.integers(0, self.size, shape)).to(where)
        given = inputs_BxT == self.mask
        free = (labels_BxT != IGNORE) & (inputs_BxT != self.end) & ~given
        if self.kind == "uniform":
            chosen = free & (chance < torch.from_numpy(rng.random((shape[0], 1))).to(where))
            seen = inputs_BxT.masked_fill(chosen, self.mask)
        else:
            chosen = free & (chance.gather(1, self._first(inputs_BxT)) < self.rate)
            seen = inputs_BxT.masked_fill(chosen & (fate >= KEPT + SWAPPED), self.mask)
            seen = torch.where(chosen & (fate < SWAPPED), other, seen)
        learned = chosen | (given & (labels_BxT != IGNORE))
        return seen, labels_BxT.masked_fill(~learned, IGNORE)

    def _first(self, inputs_BxT: torch.Tensor) -> torch.Tensor:
        """Return for each token the place of its word's first token, (B, T)."""
        place = torch.arange(inputs_BxT.shape[1], device=inputs_BxT.device).expand_as(inputs_BxT)
        return torch.where(self.starts.to(inputs_BxT.device)[inputs_BxT], place, 0).cummax(1).values


def objective(settings: TrainConfig, tokenizer: PreTrainedTokenizerBase, seed: int) -> Objective:
    """Return the loss of a masked or uniform objective over the tokenizer's vocabulary (see `extend`)."""
    return Objective(
        kind=settings.objective,
        rate=settings.mask_rate,
        seed=seed,
        mask=mask_id(tokenizer),
        end=int(tokenizer.eos_token_id),
        size=len(tokenizer),
        starts=word_starts(tokenizer),
    )


def word_starts(tokenizer: PreTrainedTokenizerBase) -> torch.Tensor:
    """Return (V,) whether a token begins a word: after a space, a sign of its own, or a special token."""
    tokens = tokenizer.convert_ids_to_tokens(list(range(len(tokenizer))))
    special = set(tokenizer.all_special_tokens)
    return torch.tensor([t in special or t.startswith("Ġ") or not t[:1].isalnum() for t in tokens])
