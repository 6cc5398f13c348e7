"""Entries straight as token ids: parts of sentences are tokenised once and laid end to end by array operations.

Equal, id for id, to tokenising the rendered text. That needs a tokenizer that never merges across the borders of
subject, words, value and name: `assembler` finds out, and returns None where the text route must be taken.
"""

import logging
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import chain
from typing import Any

import numpy as np
from numpy.typing import NDArray
from transformers import PreTrainedTokenizerBase

from data_gen.biographies import recipes as entry_recipes
from data_gen.biographies import rendering, sentence_templates
from data_gen.biographies.biography import Biography
from data_gen.biographies.recipes import NAME, PERSON, PRONOUN, Recipes
from data_gen.config import CorpusConfig
from data_gen.people import pools
from data_gen.people.attributes import NAME_POOLS, NAMES
from data_gen.people.world import PRONOUNS, World
from physics_lm.data.ragged import Ragged

log = logging.getLogger(__name__)
Array = NDArray[np.int64]
BLOCK = 1000  # entries assembled at once: what they need stays in the processor's cache
CHECKED = 200  # whole entries that are also tokenised as text before an assembler is trusted
_LEFT, _RIGHTS = "a", (" a", ".", ",")  # what may stand before a part and after it


class MergedError(ValueError):
    """Entries cannot be laid from parts; the message says why."""


@dataclass(frozen=True)
class EntryTokens:
    """E entries as token ids, the end token after each, and where their S values stand.

    person: (E,) person ids. attribute: (E, S) by sentence position. start, stop: (E, S) tokens of the value,
    counted from the entry's first.
    """

    sequences: Ragged
    person: Array
    attribute: NDArray[np.int8]
    start: NDArray[np.signedinteger[Any]]
    stop: NDArray[np.signedinteger[Any]]


class _Parts:
    """Texts to be tokenised in one go; each is known by its number."""

    def __init__(self) -> None:
        self.texts: list[str] = []

    def add(self, texts: Sequence[str]) -> Array:
        first = len(self.texts)
        self.texts += texts
        return np.arange(first, len(self.texts))

    def table(self, tokenizer: PreTrainedTokenizerBase) -> Ragged:
        """Tokenise the parts as they stand within a text; raises MergedError where a neighbour changes them."""
        place = {text: number for number, text in enumerate(dict.fromkeys(self.texts))}
        left = _encode(tokenizer, [_LEFT])[0]
        inside = [ids[len(left) :] for ids in _encode(tokenizer, [_LEFT + text for text in place])]
        for right in _RIGHTS:
            after = _encode(tokenizer, [_LEFT + right])[0][len(left) :]
            # a part that ends in a stop has a sentence after it, and that begins with a space
            parts = [part for part in place if right.startswith(" ") or part[-1:] not in (".", ",")]
            for part, ids in zip(parts, _encode(tokenizer, [_LEFT + part + right for part in parts]), strict=True):
                if ids != [*left, *inside[place[part]], *after]:
                    raise MergedError(f"the tokenizer merges {part!r} and {right!r}")
        return _laid([inside[place[text]] for text in self.texts], np.int32)


def _laid(sequences: Sequence[Sequence[int]], dtype: Any) -> Ragged:
    bounds = np.cumsum([0, *map(len, sequences)])
    return Ragged(np.fromiter(chain.from_iterable(sequences), dtype, int(bounds[-1])), bounds)


def _encode(tokenizer: PreTrainedTokenizerBase, texts: list[str]) -> list[list[int]]:
    return [encoding.ids for encoding in tokenizer.backend_tokenizer.encode_batch_fast(texts, add_special_tokens=False)]


class EntryAssembler:
    """The parts of one world's entries as token ids."""

    def __init__(self, world: World, config: CorpusConfig, tokenizer: PreTrainedTokenizerBase) -> None:
        """Tokenise every part once; raises MergedError where whole entries cannot be laid from parts."""
        self.world, self.config = world, config
        self._dtype: type[np.integer[Any]] = np.uint16 if len(tokenizer) <= 2**16 else np.int32
        parts = _Parts()
        self.head, self.tail = self._sentences(parts)
        self.closing_head, self.closing_tail = self._closings(parts)
        self.value = np.stack([self._values(parts, name) for name in NAMES])
        names = [parts.add([f" {text}" for text in pools.first(p, world.config.pools[p])]) for p in NAME_POOLS]
        table = parts.table(tokenizer)
        longest = [int(table.lengths[part].max()) for part in (self.head, self.value, self.tail)]
        self._empty, self.end = len(table), len(table) + 1
        self.name = len(table) + 2  # of the person in row 0; the others follow
        self.table = self._with_names(table, names, tokenizer.eos_token_id)
        name = int(self.table.lengths[self.name :].max())
        self._longest = len(NAMES) * (sum(longest) + name) + longest[0] + name + longest[2]

    def _sentences(self, parts: _Parts) -> tuple[Array, Array]:
        """Return the parts before and after a value, by attribute, template, form and pronoun."""
        count = max(len(sentence_templates.first(name, self.config.templates)) for name in NAMES)
        head = np.zeros((len(NAMES), count, 3, len(PRONOUNS)), np.int64)
        tail = np.zeros_like(head)
        for told, name in enumerate(NAMES):
            templates = sentence_templates.first(name, self.config.templates)
            for number, pronoun in enumerate(PRONOUNS):
                for form, subject in ((PRONOUN, pronoun), (NAME, "N"), (PERSON, "The person")):
                    made = [template.render(subject, "V", pronoun) for template in templates]
                    cut = [len(subject) if form == NAME else 0 for _ in made]
                    texts = [s.text[c : s.value[0]].rstrip() for s, c in zip(made, cut, strict=True)]
                    texts = [text if form == NAME else f" {text}" for text in texts]
                    head[told, : len(made), form, number] = parts.add(texts)
                    tail[told, : len(made), form, number] = parts.add([s.text[s.value[1] :] for s in made])
        return head, tail

    def _closings(self, parts: _Parts) -> tuple[Array, Array]:
        """Return the parts before and after the name in a closing sentence, by template and pronoun."""
        made = [[t.render(p, "V", p) for p in PRONOUNS] for t in sentence_templates.load(sentence_templates.CLOSING)]
        head = np.stack([parts.add([" " + s.text[: s.value[0]].rstrip() for s in row]) for row in made])
        return head, np.stack([parts.add([s.text[s.value[1] :] for s in row]) for row in made])

    def _values(self, parts: _Parts, attribute: str) -> Array:
        """Return the part that tells a person's value, by row."""
        used, place = np.unique(self.world.values[attribute], return_inverse=True)
        return parts.add([f" {self.world.pools[attribute][int(i)]}" for i in used])[place]

    def _with_names(self, table: Ragged, names: list[Array], end_id: int) -> Ragged:
        """Return the table with an empty part, the end token, and everybody's full name after it."""
        pieces = np.stack([part[column] for part, column in zip(names, self.world.names.T, strict=True)], axis=1)
        lengths = np.concatenate([table.lengths, [0, 1], table.lengths[pieces].sum(1)])
        flat = np.concatenate([table.flat, [end_id], table.reorder(pieces.ravel())]).astype(self._dtype)
        return Ragged(flat, np.concatenate([[0], np.cumsum(lengths)]))

    def epoch(self, epoch: int = 0) -> EntryTokens:
        """Assemble everybody's entries of one epoch, in the order of `biographies.draw`."""
        return self.assemble(np.arange(len(self.world)), epoch)

    def assemble(self, rows: Array, epoch: int = 0) -> EntryTokens:
        """Assemble all entries of the people in some rows of the world, person by person."""
        each = self.config.entries_per_person
        people = max(1, BLOCK // max(4, each))
        made = self._room(len(rows) * each)
        flat, bounds = made.sequences.flat, made.sequences.bounds
        filled = 0
        for first in range(0, len(rows), people):
            recipes = entry_recipes.draw(self.world, self.config, epoch, rows[first : first + people])
            parts, value = self._layout(recipes)
            length = self.table.lengths[parts]
            ids = self.table.reorder(parts.ravel())
            flat[filled : filled + len(ids)] = ids
            stop, block = np.cumsum(length, axis=1), slice(first * each, first * each + len(recipes))
            made.person[block] = recipes.row + self.world.config.first_person
            made.attribute[block] = recipes.attribute
            made.start[block] = stop[:, value] - length[:, value]
            made.stop[block] = stop[:, value]
            bounds[1:][block] = filled + np.cumsum(stop[:, -1])
            filled += len(ids)
        return replace(made, sequences=Ragged(flat[:filled], bounds))

    def _room(self, entries: int) -> EntryTokens:
        """Return entries still to be told; what is never written of them takes no memory."""
        shape, place = (entries, len(NAMES)), np.min_scalar_type(-self._longest)
        return EntryTokens(
            Ragged(np.empty(entries * self._longest, self._dtype), np.zeros(entries + 1, np.int64)),
            person=np.empty(entries, np.int64),
            attribute=np.empty(shape, np.int8),
            start=np.empty(shape, place),
            stop=np.empty(shape, place),
        )

    def _layout(self, recipes: Recipes) -> tuple[Array, list[int]]:
        """Return every entry's parts in text order, shape (E, P), and which columns hold the values."""
        pronoun, name = self.world.pronoun[recipes.row], self.name + recipes.row
        columns, value = [], []
        for place in range(recipes.attribute.shape[1]):
            told, template, form = (part[:, place] for part in (recipes.attribute, recipes.template, recipes.subject))
            if (form == NAME).any():
                columns.append(np.where(form == NAME, name, self._empty))
            columns.append(self.head[told, template, form, pronoun])
            value.append(len(columns))
            columns.append(self.value[told, recipes.row])
            columns.append(self.tail[told, template, form, pronoun])
        if (recipes.closing >= 0).any():
            closed = recipes.closing >= 0
            for part in (
                self.closing_head[recipes.closing, pronoun],
                name,
                self.closing_tail[recipes.closing, pronoun],
            ):
                columns.append(np.where(closed, part, self._empty))
        columns.append(np.full(len(recipes), self.end))
        return np.stack(columns, axis=1), value


def entry_assembler(
    world: World,
    config: CorpusConfig,
    tokenizer: PreTrainedTokenizerBase,
    told: Sequence[Biography] = (),
    size: int | None = None,
) -> EntryAssembler | None:
    """Return the assembler of a world's entries, or None (with a warning) where their text must be tokenised.

    Part by part is looked at, then some whole entries. told, size: the first entries of the corpus that is to be
    read, and how many it has.
    """
    try:
        if size not in (None, len(world) * config.entries_per_person):
            raise MergedError("the corpus is not what its recipes say")
        made = EntryAssembler(world, config, tokenizer)
        _check(made, world, config, tokenizer, told)
    except MergedError as merged:
        log.warning("%s: entries are tokenised as text, which is slower", merged)
        return None
    return made


def _check(
    made: EntryAssembler,
    world: World,
    config: CorpusConfig,
    tokenizer: PreTrainedTokenizerBase,
    told: Sequence[Biography],
) -> None:
    rows = np.arange(min(len(world), -(-CHECKED // config.entries_per_person)))
    rendered = list(rendering.render(world, config, entry_recipes.draw(world, config, rows=rows)))
    if any(entry.text != other.text for entry, other in zip(told, rendered, strict=False)):
        raise MergedError("the corpus is not what its recipes say")
    found = made.assemble(rows).sequences
    for number, ids in enumerate(_encode(tokenizer, [entry.text for entry in rendered])):
        if found[number].tolist() != [*ids, tokenizer.eos_token_id]:
            raise MergedError(f"the tokenizer merges across parts of {rendered[number].text[:60]!r}")
