"""What a model knows of a person at every token of one biography, by linear probes (Part 3.1, section 5).

A P-probe reads six positions of an entry; here one probe per attribute is trained on tokens drawn from whole entries.
"""

from pathlib import Path

import numpy as np
import pandas as pd

from data_gen.errors import ConfigError
from physics_lm import lineage
from physics_lm.data import encoding
from physics_lm.probes import p_probe
from physics_lm.probes.linear.classes import Classes, selected_classes
from physics_lm.probes.linear.rows import check_model
from physics_lm.probes.linear.settings import LinearConfig
from physics_lm.probes.linear.stack import Array, Head, Items, Stack
from physics_lm.probes.linear.tasks import TASKS, WHOLE
from physics_lm.probes.linear.training import classify, train
from physics_lm.subject import Subject

TASK_NAMES = ("first_birth_date", *(task.name for task in TASKS if task.kind == WHOLE))
SETTINGS = p_probe.Config(steps=400, examples=12, lr=2e-2, shared=True, tasks="+".join(TASK_NAMES))
TOKENS_PER_ENTRY = 16  # tokens of an entry in each training step


def look(checkpoint: Path | str, person: int, entry: int = 0, settings: LinearConfig = SETTINGS) -> pd.DataFrame:
    """Return a row per token of one of a person's entries and attribute.

    Columns: place (index of the token), token, attribute, value (the true one; for a birth date the month), told (the
    attribute whose value the token belongs to, or empty), probability and share. probability: of the true value, by a
    probe at this token, trained on P_train without this person. share: of those people with the same value (the
    baseline).
    Raises ConfigError where the checkpoint, the person or the entry does not exist.
    """
    subject = lineage.subject_of(Path(checkpoint), settings)
    check_model(subject)
    entries = [own for own in subject.own_entries if own.person_id == person]
    first = subject.world.config.first_person
    if not entries:
        last = first + len(subject.world) - 1
        raise ConfigError(f"person={person}: no entry is about this person; choose {first} to {last}")
    if not 0 <= entry < len(entries):
        raise ConfigError(f"entry={entry}: person {person} has {len(entries)}, counted from 0")
    stack, tables = _train_probes(subject, person, settings)
    encoded = encoding.encode_entries(subject.tokenizer, [entries[entry]])
    token_index, row = np.arange(1, int(encoded.sequences.lengths[0]) - 1), person - first
    copies = encoded.sequences.select(np.zeros(len(token_index), np.int64))
    items = Items(copies, np.full(len(token_index), row), token_index[:, None])
    _, logprob = classify(stack, items, int(subject.tokenizer.eos_token_id), settings.batch)
    tokens = [
        text.strip() for text in subject.tokenizer.batch_decode(encoded.sequences[0][token_index][:, None].tolist())
    ]
    names = _attributes_at(encoded, [span.attribute for span in entries[entry].spans], token_index)
    trained = subject.world.train & (np.arange(len(subject.world)) != row)
    frames = []
    for number, table in enumerate(tables):
        frame = pd.DataFrame({"place": token_index, "token": tokens, "told": names, "attribute": table.task.attribute})
        frame["value"] = table.values[table.label[row]]
        frame["probability"] = np.exp(logprob[number])
        frame["share"] = float((table.label == table.label[row])[trained].mean())
        frames.append(frame)
    return pd.concat(frames, ignore_index=True)


def _train_probes(subject: Subject, person: int, settings: LinearConfig) -> tuple[Stack, list[Classes]]:
    """Return a probe of every task, trained on tokens drawn from the entries of P_train without the person."""
    seed, first = subject.config.seed, subject.world.config.first_person
    tables = selected_classes(settings, subject.world, subject.tokenizer)
    heads = [Head(table.task.name, None, table.label, len(table.values), table.task.attribute) for table in tables]
    stack = Stack(subject.model, heads, settings.rank, "layer", seed, settings.precision)
    in_train = subject.world.train
    entries = [own for own in subject.own_entries if own.person_id != person and in_train[own.person_id - first]]
    sequences = encoding.encode_entries(subject.tokenizer, entries).sequences
    rng = np.random.default_rng([seed, 13])
    token_index = rng.integers(1, sequences.lengths[:, None] - 1, (len(sequences), TOKENS_PER_ENTRY))
    items = Items(sequences, np.array([entry.person_id - first for entry in entries]), token_index)
    train(stack, items, int(subject.tokenizer.eos_token_id), settings, seed, f"microscope on person {person}")
    return stack, tables


def _attributes_at(encoded: encoding.EncodedAnswers, names: list[str], token_index: Array) -> list[str]:
    """Return for every token the attribute whose value holds it, or an empty string."""
    spans = list(zip(names, encoded.start.tolist(), encoded.stop.tolist(), strict=True))
    return [next((name for name, start, stop in spans if start <= token < stop), "") for token in token_index.tolist()]
