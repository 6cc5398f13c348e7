"""The tokenizer, trained on the entries and on extraction questions."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from data_gen import kinds, questions
from data_gen.config import QuestionConfig
from data_gen.errors import ConfigError
from physics_lm.config.run import RunConfig
from physics_lm.config.tokenizer import TokenizerConfig
from physics_lm.store import artifacts
from physics_lm.store.chain import Chain
from physics_lm.subject import Subject
from physics_lm.tracking import Tracker

NAME, OUTPUT, TRAINS = "tokenizer", "tokenizer", False
VERSION = 1
BYTES = 300  # the fewest tokens of bpe
AUDITED = 2000  # entries and questions whose token boundaries are checked


def spec(config: RunConfig, chain: Chain) -> artifacts.Spec:
    """Return the spec of the tokenizer."""
    asked = kinds.version(questions.load(QuestionConfig()))
    settings = {"tokenizer": config.tokenizer, **asked}
    return artifacts.spec("tokenizer", VERSION, settings, corpus=chain.entries)


def check(config: RunConfig) -> None:
    """Raise ConfigError where a tokenizer cannot have the size, or cannot be made compact."""
    settings = config.tokenizer
    if settings.kind == "bpe" and settings.size < BYTES:
        raise ConfigError(f"tokenizer.size={settings.size}: {BYTES} or more, since every byte is a token")
    if settings.kind != "bpe" and settings.size != TokenizerConfig.size:
        raise ConfigError(f"tokenizer.size={settings.size}: tokenizer={settings.kind} has no such setting; choose bpe")
    if settings.kind == "word" and settings.compact:
        raise ConfigError("tokenizer.compact=true: a word tokenizer has only the corpus's words; choose bpe or gpt2")


def make(subject: Subject, folder: Path, state: Path, tracker: Tracker) -> Mapping[str, Any]:
    """Write the tokenizer; raises AuditError where a value has other tokens in a text than on its own."""
    from data_gen import audit
    from data_gen.biographies import rendering
    from data_gen.people.attributes import NAMES
    from data_gen.questions.question import SPLITS
    from physics_lm.data import compact_vocabulary, tokenizers

    settings, entries = subject.config.tokenizer, subject.entries
    asked = [question for split in SPLITS for question in subject.questions(split, QuestionConfig())]
    texts = [entry.text for entry in entries] + [question.prompt for question in asked]
    if settings.kind == "word" or settings.compact:
        texts += rendering.lexicon(subject.world, subject.config.corpus)
    tokenizer = tokenizers.train(settings, texts)
    if settings.compact:
        tokenizer.save_pretrained(folder / compact_vocabulary.ORIGINAL)
        tokenizer = compact_vocabulary.keep_used_tokens(tokenizer, texts)
    tokens = tokenizers.token_function(tokenizer)
    audit.check_boundaries(entries[:AUDITED], asked[:AUDITED], tokens, tokenizer.unk_token)
    classes = audit.check_classes(subject.world, NAMES, tokens)
    tokenizer.save_pretrained(folder)
    return {"vocabulary": len(tokenizer), "classes": classes}
