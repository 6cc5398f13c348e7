"""One biography under a linear probe: what a model knows of a person at every token (Part 3.1, section 5).

A P-probe looks at six places of an entry; here one probe of each attribute is trained on places drawn from all tokens.
"""

from pathlib import Path

import numpy as np
import pandas as pd

from data_gen.errors import ConfigError
from physics_lm.config.probe import ProbeConfig
from physics_lm.data import encoding
from physics_lm.data.ragged import Ragged
from physics_lm.probes.linear import classes, tasks
from physics_lm.probes.linear import rows as linear_rows
from physics_lm.probes.linear import training as linear_training
from physics_lm.probes.linear.stack import Array, Head, Items, Stack
from physics_lm.steps import Job
from physics_lm.store import lineage

ASKED = ("first_birth_date", *(task.name for task in tasks.TASKS if task.kind == tasks.WHOLE))
SETTINGS = ProbeConfig("p_probe", steps=400, examples=12, lr=2e-2, shared=True, tasks="+".join(ASKED))
PLACES = 16  # tokens of an entry that are looked at in one step


def look(checkpoint: Path | str, person: int, entry: int = 0, settings: ProbeConfig = SETTINGS) -> pd.DataFrame:
    """Return a row per token of one of a person's entries and attribute.

    Columns: place, token, attribute, value (the true one; of a birth date the month), probability (of the value, read
    off the token by a probe trained on the entries of P_train, of whom the person is left out), share (of these people
    that have the same value: what is known without looking), told (the attribute whose value the token belongs to, or
    nothing).
    Raises ConfigError where the checkpoint, the person or the entry is not there.
    """
    job = Job(*lineage.run(Path(checkpoint), settings))
    linear_rows.check_model(job)
    entries = [one for one in job.own if one.person_id == person]
    if not entries:
        first = job.world.config.first_person
        raise ConfigError(f"person={person}: nothing was read of them; people {first} to {first + len(job.world) - 1}")
    if not 0 <= entry < len(entries):
        raise ConfigError(f"entry={entry}: person {person} has {len(entries)}, counted from 0")
    stack, found = _trained(job, person)
    shown = encoding.encode_entries(job.model_vocabulary, [entries[entry]])
    place = np.arange(1, int(shown.sequences.lengths[0]) - 1)
    row = np.full(len(place), person - job.world.config.first_person)
    copies = Ragged(
        shown.sequences.reorder(np.zeros(len(place), np.int64)), np.arange(len(place) + 1) * (place[-1] + 2)
    )
    items = Items(copies, row, place[:, None])
    _, logprob = linear_training.classify(stack, items, int(job.model_vocabulary.eos_token_id), settings.batch)
    texts = _tokens(job, shown.sequences, place)
    told = _told(shown, [span.attribute for span in entries[entry].spans], place)
    learned = np.arange(len(job.world)) != row[0]
    shares = [float((part.label == part.label[row[0]])[job.world.train & learned].mean()) for part in found]
    columns = {"place": place, "token": texts, "told": told}
    return pd.concat(
        [
            pd.DataFrame(
                {
                    **columns,
                    "attribute": part.task.attribute,
                    "value": part.values[part.label[row[0]]],
                    "probability": np.exp(logprob[number]),
                    "share": shares[number],
                }
            )
            for number, part in enumerate(found)
        ],
        ignore_index=True,
    )


def _trained(job: Job, person: int) -> tuple[Stack, list[classes.Classes]]:
    """Return a probe of every task, trained on tokens drawn from the entries of P_train but the person's."""
    settings = job.config.probe
    found = [classes.table(task, job.world, job.model_vocabulary) for task in tasks.tasks(settings)]
    heads = [Head(part.task.name, None, part.label, len(part.values), part.task.attribute) for part in found]
    stack = Stack(job.model, heads, settings.rank, "layer", job.config.seed, settings.precision)
    first = job.world.config.first_person
    entries = [one for one in job.own if job.world.train[one.person_id - first] and one.person_id != person]
    read = encoding.encode_entries(job.model_vocabulary, entries).sequences
    rng = np.random.default_rng([job.config.seed, 13])
    place = rng.integers(1, read.lengths[:, None] - 1, (len(read), PLACES))
    items = Items(read, np.array([one.person_id - first for one in entries]), place)
    title = f"microscope on person {person}"
    linear_training.train(stack, items, int(job.model_vocabulary.eos_token_id), settings, job.config.seed, title)
    return stack, found


def _tokens(job: Job, sequences: Ragged, place: Array) -> list[str]:
    ids = sequences.reorder(np.zeros(1, np.int64))[place]
    return [text.strip() for text in job.model_vocabulary.batch_decode([[token] for token in ids.tolist()])]


def _told(shown: encoding.EncodedAnswers, names: list[str], place: Array) -> list[str]:
    """Return for every place the attribute whose value stands there."""
    spans = list(zip(names, shown.start.tolist(), shown.stop.tolist(), strict=True))
    return [next((name for name, start, stop in spans if start <= one < stop), "") for one in place.tolist()]
