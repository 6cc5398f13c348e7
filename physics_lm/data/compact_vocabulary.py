"""A byte-pair vocabulary reduced to the tokens that a corpus uses; export restores the original one.

The reduction keeps every merge that leads to a used token, so the corpus is split into the same tokens under new ids.
Any other text can still be encoded, in smaller pieces. The head takes most of a small model's computation: GPT-2's
50,257 tokens become a few thousand. The softmax then has fewer tokens to rule out, so the departures in conf/scale
must list it.
"""

import json
from collections import defaultdict
from collections.abc import Iterable

from tokenizers import Tokenizer, pre_tokenizers
from transformers import PreTrainedTokenizerBase

from physics_lm.data import tokenizers

ORIGINAL = "original"  # folder, within a tokenizer's folder, of the tokenizer that was reduced


def keep_used_tokens(tokenizer: PreTrainedTokenizerBase, texts: Iterable[str]) -> PreTrainedTokenizerBase:
    """Return the tokenizer with the tokens of the texts, the tokens that these are merged from, and every byte."""
    state = json.loads(tokenizer.backend_tokenizer.to_str())
    vocabulary = state["model"]["vocab"]
    merges = [tuple(pair.split(" ")) if isinstance(pair, str) else tuple(pair) for pair in state["model"]["merges"]]
    pieces: dict[str, list[str]] = defaultdict(list)
    for left, right in merges:
        pieces[left + right] += [left, right]
    used = {tokenizer.convert_ids_to_tokens(i) for ids in tokenizers.ids(tokenizer, list(texts)) for i in set(ids)}
    keep = {*pre_tokenizers.ByteLevel.alphabet(), *(added["content"] for added in state["added_tokens"])}
    pending = [token for token in used if token not in keep]
    while pending:
        token = pending.pop()
        if token not in keep:
            keep.add(token)
            pending += pieces[token]
    ordered = sorted(keep & set(vocabulary), key=vocabulary.__getitem__)
    state["model"]["vocab"] = {token: number for number, token in enumerate(ordered)}
    state["model"]["merges"] = [list(pair) for pair in merges if {*pair, "".join(pair)} <= keep]
    for added in state["added_tokens"]:
        added["id"] = state["model"]["vocab"][added["content"]]
    return tokenizers.wrap(Tokenizer.from_str(json.dumps(state)), None)
