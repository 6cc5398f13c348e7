"""Settings of the tokenizer."""

from dataclasses import dataclass

from data_gen.settings import setting


@dataclass(frozen=True)
class TokenizerConfig:
    """kind: word or bpe (trained on the corpus), or gpt2 (from the hub). size: bpe's vocabulary size.

    compact: keep only the tokens that the corpus uses, under new ids (bpe, gpt2); undone at export.
    """

    kind: str = setting("gpt2", choices=("word", "bpe", "gpt2"))
    size: int = 4096
    compact: bool = False
