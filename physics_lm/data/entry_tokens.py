"""Entries as token ids without rendering their text: sentence parts are tokenised once and joined by array operations.

The ids equal those of the tokenised text. That needs a tokenizer that never merges across the borders of subject,
words, value and name: `entry_assembler` checks this, and returns None where the text must be tokenised instead.
"""

import logging
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import chain
from typing import Any

import numpy as np
from numpy.typing import NDArray
from transformers import PreTrainedTokenizerBase

from data_gen.biographies import recipes, rendering, sentence_templates
from data_gen.biographies.biography import Biography
from data_gen.biographies.recipes import NAME, PERSON, PRONOUN, Recipes
from data_gen.config import CorpusConfig
from data_gen.people import pools
from data_gen.people.attributes import NAME_POOLS, NAMES
from data_gen.people.world import PRONOUNS, World
from physics_lm.data.ragged import Ragged

log = logging.getLogger(__name__)
Array = NDArray[np.int64]
BLOCK = 1000  # entries assembled at once: their arrays stay in the processor's cache
CHECKED_ENTRIES = 200  # also tokenised as text before an assembler is trusted
_LEFT, _RIGHTS = "a", (" a", ".", ",")  # what may precede a part, and what may follow it


class MergedError(ValueError):
    """Entries cannot be assembled from parts; the message says why."""


@dataclass(frozen=True)
class EntryTokens:
    """E entries as token ids, the end token after each, with the token spans of their S values.

    person: (E,) person ids. attribute: (E, S) by sentence position. start, stop: (E, S) tokens of the value,
    counted from the entry's first.
    """

    sequences: Ragged
    person: Array
    attribute: NDArray[np.int8]
    start: NDArray[np.signedinteger[Any]]
    stop: NDArray[np.signedinteger[Any]]


class _Parts:
    """Numbered texts that are tokenised in one go."""

    def __init__(self) -> None:
        self.texts: list[str] = []

    def add(self, texts: Sequence[str]) -> Array:
        first = len(self.texts)
        self.texts += texts
        return np.arange(first, len(self.texts))

    def tokenise(self, tokenizer: PreTrainedTokenizerBase) -> Ragged:
        """Return the ids of each part as it stands within a text; raises MergedError where a neighbour changes them."""
        left = _encode(tokenizer, [_LEFT])[0]
        texts = list(dict.fromkeys(self.texts))
        encoded = _encode(tokenizer, [_LEFT + text for text in texts])
        ids_of = {text: ids[len(left) :] for text, ids in zip(texts, encoded, strict=True)}
        for right in _RIGHTS:
            after = _encode(tokenizer, [_LEFT + right])[0][len(left) :]
            # a part that ends in a stop is followed by a sentence, which begins with a space
            checked = [text for text in texts if right.startswith(" ") or text[-1:] not in (".", ",")]
            for text, ids in zip(checked, _encode(tokenizer, [_LEFT + t + right for t in checked]), strict=True):
                if ids != [*left, *ids_of[text], *after]:
                    raise MergedError(f"the tokenizer merges {text!r} and {right!r}")
        lengths = np.array([len(ids_of[text]) for text in self.texts], np.int64)
        flat = np.fromiter(chain.from_iterable(ids_of[text] for text in self.texts), np.int32, int(lengths.sum()))
        return Ragged.from_lengths(flat, lengths)


def _encode(tokenizer: PreTrainedTokenizerBase, texts: list[str]) -> list[list[int]]:
    return [encoding.ids for encoding in tokenizer.backend_tokenizer.encode_batch_fast(texts, add_special_tokens=False)]


class EntryAssembler:
    """The parts of one world's entries as token ids.

    table: the ids of every part. The other attributes hold part numbers. before_value, after_value: by attribute,
    template, subject form and pronoun. before_name, after_name: of a closing sentence, by template and pronoun. value:
    by attribute and row of the world. first_name_part: the full name of the person in row 0; the others follow.
    """

    def __init__(self, world: World, config: CorpusConfig, tokenizer: PreTrainedTokenizerBase) -> None:
        """Tokenise every part once; raises MergedError where the ids of a part depend on its neighbours."""
        self.world, self.config = world, config
        self._dtype: type[np.integer[Any]] = np.uint16 if len(tokenizer) <= 2**16 else np.int32
        parts = _Parts()
        self.before_value, self.after_value = self._sentences(parts)
        self.before_name, self.after_name = self._closings(parts)
        self.value = np.stack([self._values(parts, name) for name in NAMES])
        names = [parts.add([f" {text}" for text in pools.first_lines(p, world.config.pools[p])]) for p in NAME_POOLS]
        table = parts.tokenise(tokenizer)
        longest = [int(table.lengths[part].max()) for part in (self.before_value, self.value, self.after_value)]
        self._empty_part, self.end_part, self.first_name_part = len(table), len(table) + 1, len(table) + 2
        self.table = self._with_names(table, names, tokenizer.eos_token_id)
        name = int(self.table.lengths[self.first_name_part :].max())
        self._longest_entry = len(NAMES) * (sum(longest) + name) + longest[0] + name + longest[2]

    def _sentences(self, parts: _Parts) -> tuple[Array, Array]:
        """Return the parts before and after a value, by attribute, template, form and pronoun."""
        count = max(len(sentence_templates.load_first(name, self.config.templates)) for name in NAMES)
        before = np.zeros((len(NAMES), count, 3, len(PRONOUNS)), np.int64)
        after = np.zeros_like(before)
        for attribute, name in enumerate(NAMES):
            templates = sentence_templates.load_first(name, self.config.templates)
            for number, pronoun in enumerate(PRONOUNS):
                for form, subject in ((PRONOUN, pronoun), (NAME, "N"), (PERSON, "The person")):
                    sentences = [template.render(subject, "V", pronoun) for template in templates]
                    texts = [f" {s.text[: s.value[0]].rstrip()}" for s in sentences]
                    if form == NAME:  # the name is a part of its own
                        texts = [text.removeprefix(f" {subject}") for text in texts]
                    cell = (attribute, slice(len(templates)), form, number)
                    before[cell] = parts.add(texts)
                    after[cell] = parts.add([s.text[s.value[1] :] for s in sentences])
        return before, after

    def _closings(self, parts: _Parts) -> tuple[Array, Array]:
        """Return the parts before and after the name in a closing sentence, by template and pronoun."""
        templates = sentence_templates.load(sentence_templates.CLOSING)
        sentences = [[template.render(p, "V", p) for p in PRONOUNS] for template in templates]
        before = np.stack([parts.add([" " + s.text[: s.value[0]].rstrip() for s in row]) for row in sentences])
        return before, np.stack([parts.add([s.text[s.value[1] :] for s in row]) for row in sentences])

    def _values(self, parts: _Parts, attribute: str) -> Array:
        """Return the part of each person's value, by row."""
        used, inverse = np.unique(self.world.values[attribute], return_inverse=True)
        return parts.add([f" {self.world.pools[attribute][int(i)]}" for i in used])[inverse]

    def _with_names(self, table: Ragged, names: list[Array], end_id: int) -> Ragged:
        """Return the table followed by an empty part, the end token, and everybody's full name."""
        pieces = np.stack([part[column] for part, column in zip(names, self.world.names.T, strict=True)], axis=1)
        lengths = np.concatenate([table.lengths, [0, 1], table.lengths[pieces].sum(1)])
        flat = np.concatenate([table.flat, [end_id], table.reorder(pieces.ravel())]).astype(self._dtype)
        return Ragged.from_lengths(flat, lengths)

    def epoch(self, epoch: int = 0) -> EntryTokens:
        """Assemble everybody's entries of one epoch, in the order of `recipes.draw`."""
        return self.assemble(np.arange(len(self.world)), epoch)

    def assemble(self, rows: Array, epoch: int = 0) -> EntryTokens:
        """Assemble all entries of the people in some rows of the world, person by person."""
        per_person = self.config.entries_per_person
        people = max(1, BLOCK // max(4, per_person))
        entries = self._allocate(len(rows) * per_person)
        flat, bounds = entries.sequences.flat, entries.sequences.bounds
        filled = 0
        for first in range(0, len(rows), people):
            drawn = recipes.draw(self.world, self.config, epoch, rows[first : first + people])
            parts, value = self._arrange(drawn)
            length = self.table.lengths[parts]
            ids = self.table.reorder(parts.ravel())
            flat[filled : filled + len(ids)] = ids
            stop, block = np.cumsum(length, axis=1), slice(first * per_person, first * per_person + len(drawn))
            entries.person[block] = drawn.row + self.world.config.first_person
            entries.attribute[block] = drawn.attribute
            entries.start[block] = stop[:, value] - length[:, value]
            entries.stop[block] = stop[:, value]
            bounds[1:][block] = filled + np.cumsum(stop[:, -1])
            filled += len(ids)
        return replace(entries, sequences=Ragged(flat[:filled], bounds))

    def _allocate(self, entries: int) -> EntryTokens:
        """Return uninitialised arrays for some entries; what is never written takes no memory."""
        shape, dtype = (entries, len(NAMES)), np.min_scalar_type(-self._longest_entry)
        sequences = Ragged(np.empty(entries * self._longest_entry, self._dtype), np.zeros(entries + 1, np.int64))
        person, attribute = np.empty(entries, np.int64), np.empty(shape, np.int8)
        return EntryTokens(sequences, person, attribute, start=np.empty(shape, dtype), stop=np.empty(shape, dtype))

    def _arrange(self, drawn: Recipes) -> tuple[Array, list[int]]:
        """Return every entry's parts in text order, shape (E, P), and the columns that hold values."""
        pronoun, name = self.world.pronoun[drawn.row], self.first_name_part + drawn.row
        columns, value = [], []
        for sentence in range(drawn.attribute.shape[1]):
            attribute, template, form = (x[:, sentence] for x in (drawn.attribute, drawn.template, drawn.subject))
            if (form == NAME).any():
                columns.append(np.where(form == NAME, name, self._empty_part))
            columns.append(self.before_value[attribute, template, form, pronoun])
            value.append(len(columns))
            columns.append(self.value[attribute, drawn.row])
            columns.append(self.after_value[attribute, template, form, pronoun])
        if (closed := drawn.closing >= 0).any():
            before, after = (parts[drawn.closing, pronoun] for parts in (self.before_name, self.after_name))
            columns += [np.where(closed, part, self._empty_part) for part in (before, name, after)]
        columns.append(np.full(len(drawn), self.end_part))
        return np.stack(columns, axis=1), value


def entry_assembler(
    world: World,
    config: CorpusConfig,
    tokenizer: PreTrainedTokenizerBase,
    first_entries: Sequence[Biography] = (),
    size: int | None = None,
) -> EntryAssembler | None:
    """Return the assembler of a world's entries, or None (with a warning) where their text must be tokenised.

    Each part is checked, then some whole entries. first_entries, size: the first entries of the corpus on disk, and
    the number of its entries.
    """
    try:
        if size not in (None, len(world) * config.entries_per_person):
            raise MergedError("the entries on disk differ from those that seed, world and corpus give")
        assembler = EntryAssembler(world, config, tokenizer)
        _check(assembler, tokenizer, first_entries)
    except MergedError as merged:
        log.warning("%s: entries are tokenised as text, which is slower", merged)
        return None
    return assembler


def _check(assembler: EntryAssembler, tokenizer: PreTrainedTokenizerBase, first_entries: Sequence[Biography]) -> None:
    """Raise MergedError where the first entries are not the corpus's, or not what the assembler makes of them."""
    world, config = assembler.world, assembler.config
    rows = np.arange(min(len(world), -(-CHECKED_ENTRIES // config.entries_per_person)))
    rendered = list(rendering.render(world, config, recipes.draw(world, config, rows=rows)))
    if any(entry.text != other.text for entry, other in zip(first_entries, rendered, strict=False)):
        raise MergedError("the entries on disk differ from those that seed, world and corpus give")
    sequences = assembler.assemble(rows).sequences
    for number, ids in enumerate(_encode(tokenizer, [entry.text for entry in rendered])):
        if sequences[number].tolist() != [*ids, tokenizer.eos_token_id]:
            raise MergedError(f"the tokenizer merges across parts of {rendered[number].text[:60]!r}")
