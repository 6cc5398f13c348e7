"""Settings of the tokenizer."""

from dataclasses import dataclass


@dataclass(frozen=True)
class TokenizerConfig:
    """kind: word or bpe (trained on the corpus), or gpt2 (from the hub). size: bpe's vocabulary size.

    compact: keep only the tokens that the corpus uses, under new ids (bpe, gpt2); undone at export.
    """

    kind: str = "gpt2"
    size: int = 4096
    compact: bool = False
