"""Tokenizers: `word` and `bpe` trained on the corpus, `gpt2` from the hub.

All cut text before a space and treat the start of a text as if a space stood there, so that a value
has the same tokens in an entry, a question and an answer.
"""

import json
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path

import huggingface_hub
from tokenizers import AddedToken, Encoding, Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import AutoTokenizer, PreTrainedTokenizerBase, PreTrainedTokenizerFast

from data_gen.errors import ConfigError
from physics_lm import progress
from physics_lm.config.tokenizer import TokenizerConfig

END = "<|endoftext|>"
UNKNOWN = "<|unknown|>"
PART = 10_000  # texts that are encoded at once
_MARK = re.compile(r"<\|\w+\|>")


def train(config: TokenizerConfig, texts: Iterable[str]) -> PreTrainedTokenizerBase:
    """Return the tokenizer of a config, trained on the texts; raises ConfigError where it cannot be had."""
    if config.kind == "gpt2":
        return _from_hub("gpt2")
    if config.kind == "word":
        tokenizer = Tokenizer(models.WordLevel(unk_token=UNKNOWN))
        trainer: trainers.Trainer = trainers.WordLevelTrainer(special_tokens=[END, UNKNOWN], show_progress=False)
    elif config.kind == "bpe":
        tokenizer = Tokenizer(models.BPE())
        trainer = trainers.BpeTrainer(
            vocab_size=config.size,
            special_tokens=[END],
            initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
            show_progress=False,
        )
    else:
        raise ConfigError(f"tokenizer.kind={config.kind}: choose word, bpe or gpt2")
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=True)
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.train_from_iterator(progress.over(list(texts), "tokenizer", "text"), trainer)
    return wrapped(tokenizer, UNKNOWN if config.kind == "word" else None)


def wrapped(tokenizer: Tokenizer, unknown: str | None) -> PreTrainedTokenizerBase:
    """Return a tokenizer in transformers' clothes."""
    known = {"unk_token": unknown} if unknown else {}
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, bos_token=END, eos_token=END, pad_token=END, add_prefix_space=True, **known
    )


def check(config: TokenizerConfig) -> None:
    """Raise ConfigError where the tokenizer must come from the hub and cannot be had."""
    if config.kind == "gpt2":
        _from_hub("gpt2")


def _from_hub(name: str) -> PreTrainedTokenizerBase:
    try:
        tokenizer = AutoTokenizer.from_pretrained(name, add_prefix_space=True, local_files_only=not _reachable())
    except (OSError, ValueError):
        raise ConfigError(
            f"tokenizer=gpt2: {name} is neither in the local cache nor can the hub be reached; "
            "use tokenizer=bpe or tokenizer=word"
        ) from None
    tokenizer.pad_token = tokenizer.eos_token
    return tokenizer


def _reachable() -> bool:
    """Whether the hub answers within seconds; asked first, since the hub's own client tries for a minute."""
    try:
        huggingface_hub.get_session().head(huggingface_hub.constants.ENDPOINT, timeout=5)
    except Exception:  # every kind of no is a no
        return False
    return not huggingface_hub.constants.HF_HUB_OFFLINE


def extend(tokenizer: PreTrainedTokenizerBase, texts: Iterable[str]) -> PreTrainedTokenizerBase:
    """Return the tokenizer with the words of the texts that it lacks; ids it has stay as they are.

    Marks like `<|hint|>` become tokens of their own in every tokenizer; only a word tokenizer lacks words.
    """
    texts = list(texts)
    marks = sorted({mark for text in texts for mark in _MARK.findall(text)})
    if tokenizer.unk_token_id is not None:
        tokenizer = _with_words(tokenizer, texts, marks)
    known = tokenizer.get_added_vocab()
    tokenizer.add_tokens([AddedToken(mark, lstrip=True, special=True) for mark in marks if mark not in known])
    return tokenizer


def _with_words(tokenizer: PreTrainedTokenizerBase, texts: list[str], marks: list[str]) -> PreTrainedTokenizerBase:
    """Return a word tokenizer with the marks and the words that it lacks, at the ids after its own.

    Marks are words of the model too: an added token that is not loses its id to the next word when it is read back.
    """
    backend = tokenizer.backend_tokenizer
    words = {w for text in texts for part in _MARK.split(text) for w, _ in backend.pre_tokenizer.pre_tokenize_str(part)}
    state = json.loads(backend.to_str())
    known = state["model"]["vocab"]
    missing = [*(mark for mark in marks if mark not in known), *sorted(words - set(known))]
    known.update({word: len(known) + number for number, word in enumerate(missing)})
    return wrapped(Tokenizer.from_str(json.dumps(state)), UNKNOWN)


def ids(tokenizer: PreTrainedTokenizerBase, texts: Sequence[str]) -> list[list[int]]:
    """Return the token ids of texts, without special tokens."""
    return [encoded.ids for encoded in _encoded(texts, _unpadded(tokenizer).encode_batch_fast)]


def encode(tokenizer: PreTrainedTokenizerBase, texts: Sequence[str]) -> Iterator[Encoding]:
    """Return the tokens of texts, with their ids and offsets, without special tokens; no text is cut or filled up."""
    return _encoded(texts, _unpadded(tokenizer).encode_batch)


def _encoded(texts: Sequence[str], how: Callable[..., list[Encoding]]) -> Iterator[Encoding]:
    parts = [texts[start : start + PART] for start in range(0, len(texts), PART)]
    for part in progress.over(parts, "tokens", "part"):
        yield from how(list(part), add_special_tokens=False)


def decode(tokenizer: PreTrainedTokenizerBase, ids: Sequence[list[int]]) -> list[str]:
    """Return token ids as texts, special tokens and all."""
    texts: list[str] = tokenizer.backend_tokenizer.decode_batch(ids, skip_special_tokens=False)
    return texts


def _unpadded(tokenizer: PreTrainedTokenizerBase) -> Tokenizer:
    """Return the tokenizer in transformers' clothes, which leave it filling up and cutting as their last call did."""
    backend: Tokenizer = tokenizer.backend_tokenizer
    backend.no_padding()
    backend.no_truncation()
    return backend


def load(folder: Path) -> PreTrainedTokenizerBase:
    """Load the tokenizer saved in a folder."""
    return AutoTokenizer.from_pretrained(folder)


def tokens(tokenizer: PreTrainedTokenizerBase) -> Callable[[str], list[str]]:
    """Return a function from text to its tokens."""
    backend = _unpadded(tokenizer)

    def found(text: str) -> list[str]:
        told: list[str] = backend.encode(text, add_special_tokens=False).tokens
        return told

    return found
