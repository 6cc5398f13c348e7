"""A byte-pair vocabulary cut down to the tokens that a corpus uses, and undone at export.

Byte-level BPE keeps every merge that leads to a used token, so that the corpus is cut into the very same tokens, under
new ids; all other text can still be told, in smaller pieces. The head of a small model is most of its work: GPT-2's
50,257 tokens become a few thousand. The softmax then has fewer tokens to rule out, which the fidelity table must say.
"""

import json
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path

import torch
from tokenizers import Tokenizer, pre_tokenizers
from transformers import AutoModelForCausalLM, PreTrainedModel, PreTrainedTokenizerBase

from physics_lm import tokenizers

ORIGINAL = "original"  # in a tokenizer's folder: the one that it was cut from


def compact(tokenizer: PreTrainedTokenizerBase, texts: Iterable[str]) -> PreTrainedTokenizerBase:
    """Return the tokenizer with the tokens that the texts use, those that they are merged from, and every byte."""
    state = json.loads(tokenizer.backend_tokenizer.to_str())
    vocabulary = state["model"]["vocab"]
    merges = [tuple(pair.split(" ")) if isinstance(pair, str) else tuple(pair) for pair in state["model"]["merges"]]
    parts: dict[str, list[str]] = defaultdict(list)
    for left, right in merges:
        parts[left + right] += [left, right]
    used = {tokenizer.convert_ids_to_tokens(i) for ids in tokenizers.ids(tokenizer, list(texts)) for i in set(ids)}
    kept = {*pre_tokenizers.ByteLevel.alphabet(), *(added["content"] for added in state["added_tokens"])}
    todo = [token for token in used if token not in kept]
    while todo:
        token = todo.pop()
        if token not in kept:
            kept.add(token)
            todo += parts[token]
    ordered = sorted(kept & set(vocabulary), key=vocabulary.__getitem__)
    state["model"]["vocab"] = {token: number for number, token in enumerate(ordered)}
    state["model"]["merges"] = [list(pair) for pair in merges if {*pair, "".join(pair)} <= kept]
    for added in state["added_tokens"]:
        added["id"] = state["model"]["vocab"][added["content"]]
    return tokenizers.wrapped(Tokenizer.from_str(json.dumps(state)), None)


def expand(checkpoint: Path, original: PreTrainedTokenizerBase) -> tuple[PreTrainedModel, PreTrainedTokenizerBase]:
    """Return a model over a compact vocabulary as one over the whole, and the whole tokenizer.

    Tokens that were left out get what the model has for ids that never occur: it has learned to rule these out. Words
    that questions added to the compact one are added to the whole one.
    """
    small = tokenizers.load(checkpoint)
    names = sorted(small.get_vocab(), key=small.get_vocab().__getitem__)
    whole = tokenizers.extend(original, names)
    model = AutoModelForCausalLM.from_pretrained(checkpoint, dtype=torch.float32)
    before = [table.detach().clone() for table in _tables(model)]
    model.resize_token_embeddings(len(whole), pad_to_multiple_of=64, mean_resizing=False)
    place = torch.tensor(whole.convert_tokens_to_ids(names))
    with torch.no_grad():
        for table, old in zip(_tables(model), before, strict=True):
            table[:] = old[-1] if len(old) > len(names) else old.mean(0)
            table[place] = old[: len(names)]
    end = int(whole.eos_token_id)
    for settings in (model.config, model.generation_config):
        settings.bos_token_id = settings.eos_token_id = end
    return model, whole


def _tables(model: PreTrainedModel) -> list[torch.Tensor]:
    """Return the weights of the embedding and the head, once where they are tied."""
    embedding, head = (part.weight for part in (model.get_input_embeddings(), model.get_output_embeddings()))
    return [embedding] if head is embedding else [embedding, head]
