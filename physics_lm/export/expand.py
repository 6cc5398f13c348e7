"""TODO physics_lm.export.expand."""

from pathlib import Path

import torch
from transformers import AutoModelForCausalLM, PreTrainedModel, PreTrainedTokenizerBase

from physics_lm.data import tokenizers


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
