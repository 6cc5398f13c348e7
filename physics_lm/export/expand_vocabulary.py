"""A model over a corpus's compact vocabulary, expanded to the whole vocabulary that it was cut from."""

from pathlib import Path

import torch
from transformers import PreTrainedModel, PreTrainedTokenizerBase

from physics_lm import checkpoints
from physics_lm.data import tokenizers


def expand_vocabulary(
    checkpoint: Path, original: PreTrainedTokenizerBase
) -> tuple[PreTrainedModel, PreTrainedTokenizerBase]:
    """Return a checkpoint's model over the original tokenizer's vocabulary, and that tokenizer.

    Tokens outside the compact vocabulary get the weights of the last padding row, an id that never occurs and that the
    model has learned to rule out. Words that questions added to the compact tokenizer are added to the original one.
    """
    compact = tokenizers.load(checkpoint)
    tokens = sorted(compact.get_vocab(), key=compact.get_vocab().__getitem__)
    whole = tokenizers.extend(original, tokens)
    model = checkpoints.load(checkpoint)
    compact_tables = [table.detach().clone() for table in _tables(model)]
    model.resize_token_embeddings(len(whole), pad_to_multiple_of=64, mean_resizing=False)
    rows = torch.tensor(whole.convert_tokens_to_ids(tokens))
    with torch.no_grad():
        for table, compact_table in zip(_tables(model), compact_tables, strict=True):
            table[:] = compact_table[-1] if len(compact_table) > len(tokens) else compact_table.mean(0)
            table[rows] = compact_table[: len(tokens)]
    for settings in (model.config, model.generation_config):
        settings.bos_token_id = settings.eos_token_id = int(whole.eos_token_id)
    return model, whole


def _tables(model: PreTrainedModel) -> list[torch.Tensor]:
    """Return the weights of the embedding and of the head, (V, D) each, or one table where they are tied."""
    embedding, head = (layer.weight for layer in (model.get_input_embeddings(), model.get_output_embeddings()))
    return [embedding] if head is embedding else [embedding, head]
