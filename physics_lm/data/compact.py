"""A byte-pair vocabulary cut down to the tokens that a corpus uses, and undone at export.

Byte-level BPE keeps every merge that leads to a used token, so that the corpus is cut into the very same tokens, under
new ids; all other text can still be told, in smaller pieces. The head of a small model is most of its work: GPT-2's
50,257 tokens become a few thousand. The softmax then has fewer tokens to rule out, which the fidelity table must say.
"""

import json
from collections import defaultdict
from collections.abc import Iterable

from tokenizers import Tokenizer, pre_tokenizers
from transformers import PreTrainedTokenizerBase

from physics_lm.data import tokenizers

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
