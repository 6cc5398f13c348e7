"""Tokenizers: `word` and `bpe` trained on the corpus, `gpt2` from the hub.

All split text before a space and treat the start of a text as if a space preceded it, so a value has the same tokens
in an entry, a question and an answer.
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
BATCH = 10_000  # texts encoded at once
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
    tokenizer.train_from_iterator(progress.track(list(texts), "tokenizer", "text"), trainer)
    return wrap(tokenizer, UNKNOWN if config.kind == "word" else None)


def wrap(tokenizer: Tokenizer, unknown: str | None) -> PreTrainedTokenizerBase:
    """Return a transformers tokenizer around one of the `tokenizers` library. unknown: the unknown token, if any."""
    special = {"unk_token": unknown} if unknown else {}
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, bos_token=END, eos_token=END, pad_token=END, add_prefix_space=True, **special
    )


def check(config: TokenizerConfig) -> None:
    """Raise ConfigError where the tokenizer must come from the hub and cannot be had."""
    if config.kind == "gpt2":
        _from_hub("gpt2")


def _from_hub(name: str) -> PreTrainedTokenizerBase:
    try:
        tokenizer = AutoTokenizer.from_pretrained(name, add_prefix_space=True, local_files_only=not _hub_responds())
    except (OSError, ValueError):
        raise ConfigError(
            f"tokenizer=gpt2: {name} is neither in the local cache nor can the hub be reached; "
            "use tokenizer=bpe or tokenizer=word"
        ) from None
    tokenizer.pad_token = tokenizer.eos_token
    return tokenizer


def _hub_responds() -> bool:
    """Return whether the hub responds within 5 seconds; the hub's own client tries for a minute."""
    try:
        huggingface_hub.get_session().head(huggingface_hub.constants.ENDPOINT, timeout=5)
    except Exception:  # any failure means that the hub cannot be used
        return False
    return not huggingface_hub.constants.HF_HUB_OFFLINE


def extend(tokenizer: PreTrainedTokenizerBase, texts: Iterable[str]) -> PreTrainedTokenizerBase:
    """Return the tokenizer extended by the words of the texts that it lacks; existing ids stay.

    Marks like `<|hint|>` become tokens of their own in every tokenizer; only a word tokenizer lacks words.
    """
    texts = list(texts)
    marks = sorted({mark for text in texts for mark in _MARK.findall(text)})
    if tokenizer.unk_token_id is not None:
        tokenizer = _with_words(tokenizer, texts, marks)
    existing = tokenizer.get_added_vocab()
    tokenizer.add_tokens([AddedToken(mark, lstrip=True, special=True) for mark in marks if mark not in existing])
    return tokenizer


def _with_words(tokenizer: PreTrainedTokenizerBase, texts: list[str], marks: list[str]) -> PreTrainedTokenizerBase:
    """Return a word tokenizer with the missing marks and words, at the ids after its own.

    Marks enter the model's vocabulary too: otherwise an added token loses its id to the next word when it is reloaded.
    """
    backend = tokenizer.backend_tokenizer
    pieces = [piece for text in texts for piece in _MARK.split(text)]
    words = {word for piece in pieces for word, _ in backend.pre_tokenizer.pre_tokenize_str(piece)}
    state = json.loads(backend.to_str())
    vocabulary = state["model"]["vocab"]
    missing = [*(mark for mark in marks if mark not in vocabulary), *sorted(words - set(vocabulary))]
    vocabulary.update({word: len(vocabulary) + number for number, word in enumerate(missing)})
    return wrap(Tokenizer.from_str(json.dumps(state)), UNKNOWN)


def ids(tokenizer: PreTrainedTokenizerBase, texts: Sequence[str]) -> list[list[int]]:
    """Return the token ids of texts, without special tokens."""
    return [encoded.ids for encoded in _in_batches(texts, _backend(tokenizer).encode_batch_fast)]


def encode(tokenizer: PreTrainedTokenizerBase, texts: Sequence[str]) -> Iterator[Encoding]:
    """Return the encodings of texts (ids and offsets), without special tokens, padding or truncation."""
    return _in_batches(texts, _backend(tokenizer).encode_batch)


def _in_batches(texts: Sequence[str], encode_batch: Callable[..., list[Encoding]]) -> Iterator[Encoding]:
    batches = [texts[start : start + BATCH] for start in range(0, len(texts), BATCH)]
    for batch in progress.track(batches, "tokens", "part"):
        yield from encode_batch(list(batch), add_special_tokens=False)


def decode(tokenizer: PreTrainedTokenizerBase, ids: Sequence[list[int]]) -> list[str]:
    """Return token ids as texts, including special tokens."""
    texts: list[str] = tokenizer.backend_tokenizer.decode_batch(ids, skip_special_tokens=False)
    return texts


def _backend(tokenizer: PreTrainedTokenizerBase) -> Tokenizer:
    """Return the underlying tokenizer without the padding and truncation that transformers' last call left on."""
    backend: Tokenizer = tokenizer.backend_tokenizer
    backend.no_padding()
    backend.no_truncation()
    return backend


def load(folder: Path) -> PreTrainedTokenizerBase:
    """Load the tokenizer saved in a folder."""
    return AutoTokenizer.from_pretrained(folder)


def token_function(tokenizer: PreTrainedTokenizerBase) -> Callable[[str], list[str]]:
    """Return a function from a text to its tokens."""
    backend = _backend(tokenizer)
    return lambda text: list(backend.encode(text, add_special_tokens=False).tokens)
