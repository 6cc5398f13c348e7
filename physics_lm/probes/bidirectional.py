"""The extraction rows of a bidirectional model, and whether it has learned its entries (Part 3.1, section 6)."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from data_gen.settings import kind
from physics_lm import needs
from physics_lm.config.probe import ProbeConfig
from physics_lm.probes import extraction
from physics_lm.subject import Subject

if TYPE_CHECKING:
    import pandas as pd

VERSION = 2
NEEDS = (needs.no_hints, needs.bidirectional_pretraining)
RESTORED = "restored"  # the task of a value whose masked tokens the model predicts


@dataclass(frozen=True)
class Config(ProbeConfig):
    """Words are masked at the rate of the paper, whatever the training's was."""

    kind: str = kind("bidirectional")


def rows(subject: Subject, state: Path) -> "pd.DataFrame":
    """Return the rows of the extraction probe, and one per value with a masked token in an entry.

    The latter are of the pretrained model, before any fine-tuning; correct: all masked tokens of the value are right.
    """
    import pandas as pd

    from physics_lm import device
    from physics_lm.data import encoding
    from physics_lm.inference.item_rows import BIOGRAPHY
    from physics_lm.inference.restored_words import count_restored

    entries = [entry for entry in subject.entries if entry.spans]
    model, tokenizer = subject.checkpoint("pretrain")
    encoded = encoding.encode_entries(tokenizer, entries)
    seed, batch = subject.config.seed, subject.config.probe.batch
    model = model.to(device.default_device())  # type: ignore[arg-type]
    tokens, right = count_restored(model, tokenizer, encoded, seed, batch)
    table = extraction.rows(subject, state)
    values = table[table["task"] == BIOGRAPHY].reset_index(drop=True)
    restored = values.assign(task=RESTORED, prediction="", gold_logprob=np.nan, tokens=tokens, tokens_correct=right)
    return pd.concat([table, restored.assign(correct=tokens == right)[tokens > 0]], ignore_index=True)
