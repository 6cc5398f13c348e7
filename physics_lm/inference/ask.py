"""One question to a checkpoint: the greedy answer, token by token, with the next likeliest tokens."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from transformers import PreTrainedModel, PreTrainedTokenizerBase

from data_gen.errors import ConfigError
from physics_lm import checkpoints, device
from physics_lm.data import tokenizers
from physics_lm.objectives._shared import causality

MARK = "Answer:"


@dataclass(frozen=True)
class Token:
    """One token of an answer, its probability, and the next likeliest tokens with theirs."""

    text: str
    probability: float
    runners_up: tuple[tuple[str, float], ...]


def load(folder: Path) -> tuple[PreTrainedModel, PreTrainedTokenizerBase]:
    """Load a checkpoint folder onto the device; raises ConfigError where there is none."""
    try:
        model, tokenizer = checkpoints.load(folder), tokenizers.load(folder)
    except checkpoints.UNREADABLE as error:
        raise checkpoints.refusal(str(folder), error) from None
    return model.to(device.default_device()).eval(), tokenizer  # type: ignore[arg-type]


def prompt(question: str) -> str:
    """Return the question as in training: with `Answer:` at its end."""
    question = question.strip()
    return question if MARK in question else f"{question} {MARK}"


def unknown_words(tokenizer: PreTrainedTokenizerBase, text: str) -> list[str]:
    """Return the words of a text that the tokenizer does not know."""
    return [word for word in text.split() if tokenizer.unk_token_id in tokenizer(word)["input_ids"]]


@torch.no_grad()
def answer(
    model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase, text: str, runners_up: int = 3, max_tokens: int = 24
) -> list[Token]:
    """Return the greedy answer to a prompt, up to the end token, a full stop or `max_tokens` tokens.

    Raises ConfigError where the model is bidirectional, or the prompt leaves no room in its context.
    """
    if causality.is_bidirectional(model):
        raise ConfigError("this model is bidirectional and fills in masks: ask a causal one")
    ids = [tokenizer.eos_token_id, *tokenizer(text, add_special_tokens=False)["input_ids"]]
    if (room := model.config.max_position_embeddings - len(ids)) < 1:
        raise ConfigError(f"the question takes {len(ids)} tokens, and the model reads {room + len(ids)}: shorten it")
    tokens: list[Token] = []
    for _ in range(min(max_tokens, room)):
        logits_V = model(input_ids=torch.tensor([ids], device=model.device)).logits[0, -1].float()
        likeliest = logits_V.softmax(-1).topk(min(runners_up + 1, len(logits_V)))
        (token, share), *rest = zip(likeliest.indices.tolist(), likeliest.values.tolist(), strict=True)
        if token == tokenizer.eos_token_id:
            break
        tokens.append(Token(tokenizer.decode([token]), share, tuple((tokenizer.decode([i]), p) for i, p in rest)))
        ids.append(token)
        if tokens[-1].text.endswith("."):
            break
    return tokens


def join_tokens(tokens: Sequence[Token]) -> str:
    """Return the tokens as one text."""
    return "".join(token.text for token in tokens).strip()
